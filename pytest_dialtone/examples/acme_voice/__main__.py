"""`python -m pytest_dialtone.examples.acme_voice COMMAND`: run a command while Acme serves."""

import sys

from pytest_dialtone.examples.acme_voice.server import AcmeVoiceServer
from pytest_dialtone.examples.provider_server import run_with

if __name__ == "__main__":
    sys.exit(run_with(AcmeVoiceServer()))

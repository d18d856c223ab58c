"""`python -m tests.contract.examples.acme_voice COMMAND`: run a command while Acme serves."""

import sys

from tests.contract.examples.acme_voice.server import AcmeVoiceServer
from tests.contract.examples.provider_server import run_with

if __name__ == "__main__":
    sys.exit(run_with(AcmeVoiceServer()))

"""`python -m pytest_dialtone.examples.acme_sms COMMAND`: run a command while Acme serves."""

import sys

from pytest_dialtone.examples.acme_sms.server import AcmeServer
from pytest_dialtone.examples.provider_server import run_with

if __name__ == "__main__":
    sys.exit(run_with(AcmeServer()))

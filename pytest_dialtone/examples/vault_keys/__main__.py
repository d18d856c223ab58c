"""`python -m pytest_dialtone.examples.vault_keys COMMAND`: run a command while Vault serves."""

import sys

from pytest_dialtone.examples.provider_server import run_with
from pytest_dialtone.examples.vault_keys.server import VaultServer

if __name__ == "__main__":
    sys.exit(run_with(VaultServer()))

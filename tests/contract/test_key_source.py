"""The promises of a key source, with the example for Vault and a server that is none."""

from collections.abc import AsyncIterator

import pytest

from pytest_dialtone.examples.vault_keys import open_vault_keys
from pytest_dialtone.examples.vault_keys.server import VaultServer
from pytest_dialtone.suites.secrets.driver import KeySourceDriver
from pytest_dialtone.suites.secrets.test_key_source import *


@pytest.fixture
async def key_source_driver() -> AsyncIterator[KeySourceDriver]:
    with VaultServer() as vault:
        async with open_vault_keys(environ=vault.environ) as source:
            driver = KeySourceDriver(source, lambda: open_vault_keys(environ=vault.environ))
            yield driver
            await driver.end_test()

"""Several records at once, with our databases."""

from tests.contract.suites.storage.test_batch_writes import *

"""Several records at once, with our databases."""

from pytest_dialtone.suites.storage.test_batch_writes import *

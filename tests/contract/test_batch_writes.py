"""Several records at once, with our databases."""

from entrypoints.contract_tests.test_batch_writes import *

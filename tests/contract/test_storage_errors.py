"""The errors of a database that is not available, with our databases."""

from entrypoints.contract_tests.test_storage_errors import *

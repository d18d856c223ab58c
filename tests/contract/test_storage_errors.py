"""The errors of a database that is not available, with our databases."""

from tests.contract.suites.storage.test_storage_errors import *

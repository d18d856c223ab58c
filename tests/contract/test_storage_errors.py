"""The errors of a database that is not available, with our databases."""

from pytest_dialtone.suites.storage.test_storage_errors import *

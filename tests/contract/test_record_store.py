"""Single records, with our databases."""

from tests.contract.suites.storage.test_record_store import *

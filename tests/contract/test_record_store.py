"""Single records, with our databases."""

from entrypoints.contract_tests.test_record_store import *

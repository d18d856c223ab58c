"""Indexes and expiry of records, with our databases."""

from entrypoints.contract_tests.test_record_indexes import *

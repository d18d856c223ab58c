"""Indexes and expiry of records, with our databases."""

from pytest_dialtone.suites.storage.test_record_indexes import *

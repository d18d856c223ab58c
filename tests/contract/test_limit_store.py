"""Limits, with our databases."""

from tests.contract.suites.storage.test_limit_store import *

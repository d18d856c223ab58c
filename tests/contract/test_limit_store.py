"""Limits, with our databases."""

from entrypoints.contract_tests.test_limit_store import *

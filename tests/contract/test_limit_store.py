"""Limits, with our databases."""

from pytest_dialtone.suites.storage.test_limit_store import *

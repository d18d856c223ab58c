"""Writes that were not answered, with our databases."""

from tests.contract.suites.storage.test_unanswered_writes import *

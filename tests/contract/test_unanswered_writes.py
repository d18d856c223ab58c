"""Writes that were not answered, with our databases."""

from pytest_dialtone.suites.storage.test_unanswered_writes import *

"""Permits that were not answered for, with our databases."""

from pytest_dialtone.suites.storage.test_unanswered_permits import *

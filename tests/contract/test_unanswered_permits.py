"""Permits that were not answered for, with our databases."""

from tests.contract.suites.storage.test_unanswered_permits import *

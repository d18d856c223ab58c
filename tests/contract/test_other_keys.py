"""Databases and their keys, with our databases."""

from tests.contract.suites.storage.test_other_keys import *

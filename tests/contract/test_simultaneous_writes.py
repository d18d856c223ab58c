"""Writes that arrive at the same moment, with our databases."""

from tests.contract.suites.storage.test_simultaneous_writes import *

"""Writes that arrive at the same moment, with our databases."""

from pytest_dialtone.suites.storage.test_simultaneous_writes import *

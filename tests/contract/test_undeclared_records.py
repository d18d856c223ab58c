"""Records of features that a program does not have, with our databases."""

from tests.contract.suites.storage.test_undeclared_records import *

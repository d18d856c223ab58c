"""Records of features that a program does not have, with our databases."""

from pytest_dialtone.suites.storage.test_undeclared_records import *

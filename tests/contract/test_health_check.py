"""Health checks, with our databases."""

from pytest_dialtone.suites.storage.test_health_check import *

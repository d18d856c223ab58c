"""Health checks, with our databases."""

from tests.contract.suites.storage.test_health_check import *

"""Health checks, with our databases."""

from entrypoints.contract_tests.test_health_check import *

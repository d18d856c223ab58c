"""These tests use all features, and do not wait for timers."""

from tests.support.app_fixture import app
from tests.unit.application.conftest import pytest_asyncio_loop_factories

__all__ = ["app", "pytest_asyncio_loop_factories"]

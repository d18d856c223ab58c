from collections.abc import Callable

import pytest

from tests.support.app_harness import AppHarness
from tests.support.fakes.instant_loop import InstantLoop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], InstantLoop]]:
    """Run these tests without waiting for timers."""
    return {"instant": InstantLoop}


@pytest.fixture
def app() -> AppHarness:
    return AppHarness()

from collections.abc import Callable

from tests.support.fakes.instant_loop import InstantLoop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], InstantLoop]]:
    """Run these tests without waiting for timers."""
    return {"instant": InstantLoop}

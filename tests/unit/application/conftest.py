from collections.abc import Callable

from tests.support.fakes.instant_loop import InstantLoop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], InstantLoop]]:
    """Have no test in here wait for time to pass."""
    return {"instant": InstantLoop}

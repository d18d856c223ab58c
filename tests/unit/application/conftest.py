from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.fakes.instant_loop import InstantLoop

if TYPE_CHECKING:
    from tests.support.core_harness import CoreHarness


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], InstantLoop]]:
    """Run these tests without waiting for timers."""
    return {"instant": InstantLoop}


@pytest.fixture
def app() -> "CoreHarness":
    # Mutation tests load this file before they change the constants of the domain.
    from tests.support.core_harness import CoreHarness

    return CoreHarness()

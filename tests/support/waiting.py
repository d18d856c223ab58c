"""Waiting for what a background task does."""

import asyncio
from collections.abc import Callable


async def wait_until(condition: Callable[[], object]) -> None:
    """Return when the condition is true. A task of the service has no event for it."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - see the docstring
            await asyncio.sleep(0.01)  # between two checks of the condition

"""What a server does for an application, besides handing it requests."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog

from entrypoints.http.middleware import RequestContextMiddleware


@asynccontextmanager
async def started(app: RequestContextMiddleware) -> AsyncIterator[None]:
    """Start the application and end it, as a server does."""
    said: asyncio.Queue[Any] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan"}, said.get, heard.put))
    for event in ("startup", "shutdown"):
        await said.put({"type": f"lifespan.{event}"})
        assert (await heard.get())["type"] == f"lifespan.{event}.complete"
        if event == "startup":
            yield
    await running


@contextmanager
def logging_nothing() -> Iterator[None]:
    """Have no lines written for as long as the block is."""
    # A line for each of thousands of requests would be kept for a report that nobody reads.
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)

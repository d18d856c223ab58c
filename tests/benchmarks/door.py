"""The service's HTTP side in this process, in front of use cases that are there already."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx

from application.use_cases import UseCases
from entrypoints.http.app import create_app
from entrypoints.http.dependencies import HttpSettings
from tests.stateful.hosting import started

_SETTINGS: Final = HttpSettings(version="0", public_url="http://service", upload_limit=1024)


@asynccontextmanager
async def at_the_door(use_cases: UseCases) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, which ends with the block."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[UseCases]:
        yield use_cases

    app = create_app(opened, _SETTINGS)
    transport = httpx.ASGITransport(app)
    async with (
        started(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        yield client

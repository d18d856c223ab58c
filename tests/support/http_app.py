"""The HTTP application in this process. To create it takes longer than most tests that use it.

So an application is started again for the next test with the same settings, with other use cases
and with nothing left of what it counted.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from typing import Any, Final

import httpx
from litestar import Litestar

from application.use_cases import UseCases
from entrypoints.features.feature import Feature
from entrypoints.http.app import create_app
from tests.support.described import assert_described
from tests.support.http_settings import (
    AppSettings,
    current_features,
    make_http_additions,
    make_http_settings,
)

BASE_URL: Final = "http://service"
SETTINGS: Final = make_http_settings(
    BASE_URL,
    variables={"DIALTONE_MAX_UPLOAD_SIZE": "1MiB"},
    default_region="US",
    trusted_proxies=(IPv4Network("10.0.0.0/8"),),
)
_PROXY: Final = ("10.1.2.3", 40_000)
_App = Callable[..., Awaitable[None]]


class HttpApp:
    """An application, and the use cases that it has when it is started."""

    def __init__(self, settings: AppSettings) -> None:
        self.made_of = (settings, current_features())
        self.asgi: _App = create_app(
            self._open_use_cases, settings.http, make_http_additions(settings)
        )
        self.framework = _framework_of(self.asgi)
        self._use_cases: UseCases | None = None

    async def start(self, use_cases: UseCases) -> "asyncio.Task[None]":
        """Start as at a server, and return the task that runs until `stop`."""
        self._use_cases = use_cases
        self._to_app, self._from_app = asyncio.Queue[Any](), asyncio.Queue[Any]()
        running = asyncio.ensure_future(
            self.asgi({"type": "lifespan"}, self._to_app.get, self._from_app.put)
        )
        await self._pass("startup")
        return running

    async def stop(self, running: "asyncio.Task[None]") -> None:
        """Stop as at a server."""
        await self._pass("shutdown")
        await running
        self._use_cases = None

    async def _pass(self, event: str) -> None:
        await self._to_app.put({"type": f"lifespan.{event}"})
        assert (await self._from_app.get())["type"] == f"lifespan.{event}.complete"

    @asynccontextmanager
    async def _open_use_cases(self) -> AsyncIterator[UseCases]:
        assert self._use_cases is not None
        yield self._use_cases


# Tests put other features in the place of all: their applications are others, too.
_STOPPED: Final = defaultdict[tuple[AppSettings, tuple[Feature[Any], ...]], list[HttpApp]](list)


def take_app(settings: AppSettings) -> HttpApp:
    """Return an application that is not in use."""
    stopped = _STOPPED[settings, current_features()]
    return stopped.pop() if stopped else HttpApp(settings)


def return_app(app: HttpApp) -> None:
    """Let another test take a stopped application. The features may be others by now."""
    _STOPPED[app.made_of].append(app)


@asynccontextmanager
async def open_http_app(
    use_cases: UseCases, settings: AppSettings = SETTINGS
) -> AsyncIterator[tuple[httpx.AsyncClient, Litestar]]:
    """Open a client of the application, behind a proxy. Each response is as it is described."""
    app = take_app(settings)
    running = await app.start(use_cases)
    transport = httpx.ASGITransport(app.asgi, client=_PROXY)
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url=BASE_URL, event_hooks={"response": [assert_described]}
        ) as client:
            yield client, app.framework
    finally:
        await app.stop(running)
    return_app(app)


@asynccontextmanager
async def open_http_client(
    use_cases: UseCases, settings: AppSettings = SETTINGS
) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of the application, behind a proxy."""
    async with open_http_app(use_cases, settings) as (client, _):
        yield client


def _framework_of(app: Any) -> Litestar:
    while not isinstance(app, Litestar):
        app = app._app
    return app

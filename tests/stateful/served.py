"""The whole service in this process, driven through its real HTTP side."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network
from itertools import count
from typing import Any, Final

import httpx

from application.ports.repositories import Repositories
from application.use_cases import UseCases
from application.wiring import Policy
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from entrypoints.http.app import create_app
from entrypoints.http.dependencies import HttpSettings
from tests.stateful.calls import Call
from tests.stateful.hosting import logging_nothing, started
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.fakes.messenger import ACCEPTED, FakeMessenger

OpenRecords = Callable[[], AbstractAsyncContextManager[Repositories]]

_PROXY: Final = ("10.1.2.3", 40_000)
_SETTINGS: Final = HttpSettings(
    version="0",
    public_url="http://service",
    upload_limit=1024 * 1024,
    default_region="US",
    trusted_proxies=(IPv4Network("10.0.0.0/8"),),
)

# Examples share addresses; what many phones share is held to its promises elsewhere.
_NEVER_SPENT: Final = SlidingWindow(1000, timedelta(seconds=1))
ROOMY: Final = Policy(
    rate_limits=RateLimits(_NEVER_SPENT, _NEVER_SPENT, _NEVER_SPENT, _NEVER_SPENT)
)


@dataclass
class Served:
    """The service behind a proxy, with a clock that is moved and a messenger that is read."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    client: httpx.AsyncClient
    use_cases: UseCases
    clock: MovableClock
    messenger: FakeMessenger
    numbers: "count[int]" = field(default_factory=lambda: count(2_000_000))

    @property
    def now(self) -> float:
        """Seconds since the example began."""
        return (self.clock.now() - NOW).total_seconds()

    def begin(self) -> None:
        """Begin an example, at the same time as all others; only its phones are its own."""
        self.wait(-self.now)
        self.messenger.messages.clear()
        self.messenger.result = ACCEPTED

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(seconds=seconds))

    def a_fresh_phone(self) -> PhoneNumber:
        """A phone that no example had before."""
        return PhoneNumber(f"+1415{next(self.numbers)}")

    def answer(self, call: Call) -> httpx.Response:
        """Make a request."""
        return self.answers(call)[0]

    def answers(self, *calls: Call) -> list[httpx.Response]:
        """Make requests at the same time."""

        async def together() -> list[httpx.Response]:
            return await asyncio.gather(*(self._answer(call) for call in calls))

        answers: list[httpx.Response] = self.run(together())
        return answers

    async def _answer(self, call: Call) -> httpx.Response:
        answer = await self.client.request(
            call.method, call.path, json=call.body, headers=call.headers
        )
        assert answer.headers["x-request-id"]
        assert answer.headers["cache-control"] == "no-store"
        return answer


@contextmanager
def serving(open_records: OpenRecords, rules: Policy | None = None) -> Iterator[Served]:
    """Start the service over these records; it ends with the block."""
    clock, messenger, files = MovableClock(NOW), FakeMessenger(), InMemoryFiles()
    opened: list[UseCases] = []

    @asynccontextmanager
    async def open_use_cases() -> AsyncIterator[UseCases]:
        async with open_records() as records:
            house = AppHarness(
                repositories=records,
                files=files,
                messenger=messenger,
                clock=clock,
                policy=rules or ROOMY,
            )
            opened.append(house.use_cases)
            yield opened[-1]

    async def start(stack: AsyncExitStack) -> httpx.AsyncClient:
        app = create_app(open_use_cases, _SETTINGS)
        await stack.enter_async_context(started(app))
        transport = httpx.ASGITransport(app, client=_PROXY)
        client = httpx.AsyncClient(transport=transport, base_url="http://service")
        return await stack.enter_async_context(client)

    with logging_nothing(), asyncio.Runner() as runner:
        stack = AsyncExitStack()
        client = runner.run(start(stack))
        try:
            yield Served(runner.run, client, opened[-1], clock, messenger)
        finally:
            runner.run(stack.aclose())

"""The whole service in this process, driven over HTTP, with a clock and a messenger of the test."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    contextmanager,
)
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, Final

import httpx
import structlog

from adapters.records.database import Database
from adapters.records.repositories import make_repositories
from application.use_cases import UseCases
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.messenger import ACCEPTED, FakeMessenger
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.http_app import open_http_client
from tests.support.policies import Policy, make_policy
from tests.support.repositories import with_stores
from tests.unit.domain.otp.verification_driver import HOME_IP

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]

# Examples share client IPs and times, and one network may use up a twentieth of some limits. Other
# tests prove the limits that phones share.
_UNLIMITED: Final = SlidingWindow(20_000, timedelta(seconds=1))
UNLIMITED_POLICY: Final = make_policy(
    rate_limits=RateLimits(
        per_ip=_UNLIMITED,
        per_country=_UNLIMITED,
        total=_UNLIMITED,
        verifications_per_ip=_UNLIMITED,
        failed_attempts_per_country=_UNLIMITED,
        failed_attempts_total=_UNLIMITED,
    )
)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request of a client, with its access token. `client_ip` is the IP as limits count it."""

    method: str
    path: str
    body: object = None
    token: str | None = None
    client_ip: str = HOME_IP

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the proxy forwards."""
        headers = {"X-Forwarded-For": self.client_ip.replace("/64", "1")}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers


@dataclass
class HttpDriver:
    """The service behind a proxy. `run` runs a coroutine in the service's event loop."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    http: httpx.AsyncClient
    use_cases: UseCases
    clock: MovableClock
    messenger: FakeMessenger
    numbers: "count[int]" = field(default_factory=lambda: count(2_000_000))

    @property
    def now(self) -> float:
        """Seconds since the example started."""
        return (self.clock.now() - NOW).total_seconds()

    def start_example(self) -> None:
        """Reset the clock and the messenger. Each example has phones of its own."""
        self.wait(-self.now)
        self.messenger.messages.clear()
        self.messenger.result = ACCEPTED

    def wait(self, seconds: float) -> None:
        """Advance the clock."""
        self.clock.advance(timedelta(seconds=seconds))

    def new_phone(self) -> PhoneNumber:
        """Return a phone that no example used before."""
        return PhoneNumber(f"+1415{next(self.numbers)}")

    def send(self, request: HttpRequest) -> httpx.Response:
        """Send a request."""
        return self.send_together(request)[0]

    def send_together(self, *requests: HttpRequest) -> list[httpx.Response]:
        """Send requests at the same time."""

        async def send_all() -> list[httpx.Response]:
            return await asyncio.gather(*(self._send(request) for request in requests))

        responses: list[httpx.Response] = self.run(send_all())
        return responses

    async def _send(self, request: HttpRequest) -> httpx.Response:
        response = await self.http.request(
            request.method, request.path, json=request.body, headers=request.headers
        )
        assert response.headers["x-request-id"]
        assert response.headers["cache-control"] == "no-store"
        return response


@contextmanager
def open_http_driver(
    open_database: OpenDatabase, policy: Policy = UNLIMITED_POLICY
) -> Iterator[HttpDriver]:
    """Start the service over this database and stop it after the block."""
    clock, messenger = MovableClock(NOW), FakeMessenger()

    async def start(stack: AsyncExitStack) -> HttpDriver:
        database = await stack.enter_async_context(open_database())
        harness = AppHarness(
            repositories=with_stores(make_repositories(database, FakePhoneEncryption()), database),
            messenger=messenger,
            clock=clock,
            policy=policy,
        )
        http = await stack.enter_async_context(open_http_client(harness.use_cases))
        return HttpDriver(runner.run, http, harness.use_cases, clock, messenger)

    with without_logs(), asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            yield runner.run(start(stack))
        finally:
            runner.run(stack.aclose())


@contextmanager
def without_logs() -> Iterator[None]:
    """Drop all log lines in the block: pytest would keep one for each of thousands of requests."""
    config = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**config)

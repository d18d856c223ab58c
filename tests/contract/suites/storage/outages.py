"""A database that the suites break, hang and mend, by the methods that its adapter has for them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from inspect import signature
from typing import Any, Final, TypeVar

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import LEASES
from application.ports.current_request import CURRENT_REQUEST, CurrentRequest
from application.ports.errors import PortError
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow
from tests.contract.suites.external_adapter import OpenDatabase, call_test_method, is_limit_store
from tests.contract.suites.outcomes import ObservedCall, observe
from tests.contract.suites.promises import unproven
from tests.contract.suites.provider_driver import set_provider
from tests.contract.suites.storage.record_examples import NOW

T = TypeVar("T")

POLL: Final = 0.02
"""Seconds between two looks at what another instance sees."""
TICK: Final = 0.1
MAX_TICKS: Final = 30
"""A call of a request that has one second left ends within half a second more.

Ticks of the event loop are counted, not seconds: a machine that stalls delays both.
"""
MAX_SECONDS: Final = 15.5
"""A call without a request ends within 15 seconds, see the ports."""
A_LIMIT: Final = RateLimit(
    "total", LimitPurpose.DELIVERIES, "requests", SlidingWindow(9, timedelta(hours=1))
)
MAX_ANSWERS: Final = 6
"""A call that needs answers before it writes is given up to so many: for a lock, for a read."""
MAX_ROUNDS: Final = 3
"""Connections that open again after an outage use up answers of one call, and then not of the next,
which gets one too many."""
RECOVERY_SECONDS: Final = 30.0
"""Seconds in which the adapter works again after its server does."""
WITHOUT_AN_ANSWER: Final = pytest.mark.parametrize(
    "is_lost",
    [False, pytest.param(True, marks=pytest.mark.slow)],
    ids=["no_answer", "lost_connection"],
)


@dataclass(frozen=True, slots=True)
class OutageInstances:
    """The same database, open twice. Only the first one is broken, hung and mended."""

    database: Database
    other: Database

    @property
    def _store(self) -> Any:
        return self.database.limits if is_limit_store() else self.database.records

    async def provider_is(self, state: str) -> None:
        await set_provider(self._store, state)

    async def hang(self, answers: int) -> bool:
        """Let so many answers reach the first instance, and no more; return if that can be."""
        if not answers:
            await self.provider_is("silent")
            return True
        method = getattr(self._store, "hang_provider", None)
        if not signature(method or is_limit_store).parameters:
            return False
        await call_test_method(self._store, "hang_provider", answers)
        return True

    async def mend(self) -> None:
        """Mend the provider, and wait until the adapter works again."""
        await self.provider_is("well")
        outcome = await observe(self._work(), RECOVERY_SECONDS)
        if outcome.error is not None or outcome.result is None:
            pytest.fail(
                f'The adapter does not work again after provider_is("well"): it {outcome.words}',
                pytrace=False,
            )

    async def _work(self) -> bool:
        while True:
            try:
                await self.database.health.check()
                await self.database.limits.count_used([A_LIMIT], NOW)
                if not is_limit_store():
                    await self.database.records.load(LEASES, ["1"])
            except PortError:
                await asyncio.sleep(POLL)  # before the next attempt
            else:
                return True

    @asynccontextmanager
    async def hanging(self) -> AsyncIterator[None]:
        """Let no answer reach the first instance until the end of the block."""
        await self.hang(0)
        try:
            yield
        finally:
            await self.mend()


@asynccontextmanager
async def open_instances(open_database: OpenDatabase) -> AsyncIterator[OutageInstances]:
    """Open a database twice, and use it, so that both have their connections."""
    async with open_database() as database, open_database() as other:
        for instance in (database, other):
            await instance.health.check()
        yield OutageInstances(database, other)


def start_near_deadline(call: Callable[[], Awaitable[T]]) -> "asyncio.Task[T]":
    """Start a call of a request that was received long ago: it has `MIN_STORAGE_SECONDS`."""

    async def make() -> T:
        CURRENT_REQUEST.set(CurrentRequest({}))
        return await call()

    return asyncio.create_task(make())


async def observe_before_deadline(call: Callable[[], Awaitable[object]]) -> ObservedCall:
    """Return the outcome of a call that is made near its deadline."""
    calling = start_near_deadline(call)
    for _ in range(MAX_TICKS):
        await asyncio.wait([calling], timeout=TICK)
        if calling.done():
            return await observe(calling, TICK)
    calling.cancel()
    return ObservedCall(
        "did not end half a second after CurrentRequest.storage_deadline, retries included"
    )


async def make_unanswered(
    instances: OutageInstances,
    prepare: Callable[[], Awaitable[None]],
    call: Callable[[], Awaitable[object]],
    is_done: Callable[[], Awaitable[bool]],
    *,
    is_lost: bool,
    when_done: Callable[[], Awaitable[None]] | None = None,
) -> tuple[ObservedCall, bool]:
    """Make a call that is not answered, and that ends before this returns.

    A call that needs answers before its write gets them, if the adapter can do that.

    Args:
        instances: The first one makes the call, the other one looks.
        prepare: Is called before each attempt.
        call: Makes the call.
        is_done: Returns whether the other instance sees what the call does.
        is_lost: Whether the provider is mended as soon as the call is done, or as soon as it ends.
        when_done: Is called when the call is done.

    Returns:
        The outcome, and whether the server did it.
    """
    outcome, was_done = ObservedCall("was not made"), False
    for _ in range(MAX_ROUNDS):
        for answers in range(MAX_ANSWERS):
            await prepare()
            if not await instances.hang(answers):
                break
            try:
                calling = start_near_deadline(call)
                was_done = await _wait_until_seen(is_done, calling)
                if was_done and when_done is not None:
                    await when_done()
                if not (was_done and is_lost):
                    await asyncio.wait([calling], timeout=MAX_SECONDS)
            finally:
                await instances.mend()
            outcome = await observe(calling, MAX_SECONDS)
            if was_done or outcome.error is None:
                break
        if outcome.error is not None or is_lost or not answers:
            break
    return outcome, was_done


def unseen_words(name: str) -> str:
    """Return why it is unproven that an unanswered call is not repeated."""
    return (
        f"of a silent provider, the server did not {name}, so nobody sees whether that is sent "
        "again"
    )


async def _wait_until_seen(
    is_seen: Callable[[], Awaitable[bool]], calling: "asyncio.Future[object]"
) -> bool:
    """Look by another instance until it sees what the call does, or the call has ended.

    The test is skipped if the other instance does not answer either.
    """
    while True:
        is_done = calling.done()
        try:
            if await is_seen():
                return True
        except PortError:
            unproven("a silent provider hangs other instances too, see docs/adapters.md")
        if is_done:
            return False
        await asyncio.sleep(POLL)  # before the next look

"""How long calls wait for a database: overload while it answers others, else its failure."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import pytest

from adapters.databases.records.call_deadlines import (
    GRACE_PERIOD,
    MAX_SILENCE,
    OWN_TIMEOUT,
    CallDeadlines,
    limit_own_calls,
)
from adapters.databases.records.store_calls import CHECK_INTERVAL, CircuitBreaker
from application.ports.current_request import CURRENT_REQUEST, MIN_STORAGE_SECONDS, CurrentRequest
from application.ports.errors import (
    ConcurrencyConflict,
    PortError,
    StorageOverloaded,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)

TIMEOUT = 5.0
Call = Callable[[float], Awaitable[object]]


@pytest.fixture
def deadlines() -> CallDeadlines:
    return CallDeadlines(TIMEOUT)


async def answer(_: float) -> None:
    """Be answered at once."""


def failing(error: Exception) -> Call:
    async def fail(_: float) -> None:
        raise error

    return fail


async def wait_for_batch(deadlines: CallDeadlines) -> PortError:
    """Wait for a batch that hangs, and return the error."""
    with pytest.raises(PortError) as raised:
        await deadlines.wait_for_batch(asyncio.Event().wait, StorageTimeout)
    return raised.value


@pytest.mark.parametrize(
    ("silence", "error"),
    [(MAX_SILENCE, StorageOverloaded), (MAX_SILENCE + 0.01, StorageTimeout)],
)
async def test_a_call_without_a_turn_is_overload_while_one_was_answered_within_a_second(
    deadlines: CallDeadlines, silence: float, error: type[PortError]
) -> None:
    waiting = asyncio.create_task(wait_for_batch(deadlines))
    await asyncio.sleep(TIMEOUT + GRACE_PERIOD - silence)  # on the clock of the test
    await deadlines.limit(answer)

    assert type(await waiting) is error


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (UniqueViolation("taken"), StorageOverloaded),
        (StorageUnavailable("away"), StorageUnavailable),
        (StorageOverloaded("full"), StorageUnavailable),
    ],
    ids=lambda value: value.__class__.__name__,
)
async def test_an_error_that_only_a_working_database_has_is_an_answer(
    deadlines: CallDeadlines, result: PortError, error: type[PortError]
) -> None:
    with pytest.raises(type(result)):
        await deadlines.limit(failing(result))

    assert type(deadlines.answers.explain(StorageUnavailable("no turn"))) is error


@pytest.mark.parametrize(
    ("seconds", "waits", "is_queued", "error"),
    [
        (2.4, True, True, StorageOverloaded),
        (2.4, True, False, StorageTimeout),
        (2.5, True, True, StorageTimeout),
        (2.4, False, True, StorageTimeout),  # such as a connection that was lost
    ],
)
async def test_a_database_that_had_half_of_the_timeout_or_no_queue_has_failed(
    seconds: float, waits: bool, is_queued: bool, error: type[PortError]
) -> None:
    deadlines, loop = CallDeadlines(TIMEOUT, max_calls=1), asyncio.get_running_loop()
    CURRENT_REQUEST.set(CurrentRequest({}, loop.time()))
    await deadlines.limit(lambda _: asyncio.sleep(TIMEOUT - seconds))  # on the clock of the test
    # Others are answered.
    loop.call_later(seconds - 0.5, deadlines.answers.record)
    others: list[asyncio.Task[object]] = []

    async def fail(deadline: float) -> None:
        # Until shortly before the deadline of the call, on the clock of the test.
        await asyncio.sleep(deadline - 0.1 - loop.time() if waits else 0)
        if is_queued:
            others.append(asyncio.create_task(deadlines.limit(answer)))
        await asyncio.sleep(0.01)  # on the clock of the test
        raise StorageTimeout("late")

    with pytest.raises(error):
        await deadlines.limit(fail)
    await asyncio.gather(*others, return_exceptions=True)


@pytest.mark.parametrize(
    ("is_answered", "error", "seconds"),
    [(True, StorageOverloaded, TIMEOUT / 3), (False, StorageUnavailable, TIMEOUT)],
)
async def test_a_call_waits_for_its_turn_longer_while_nobody_is_answered(
    is_answered: bool, error: type[PortError], seconds: float
) -> None:
    deadlines, loop = CallDeadlines(TIMEOUT, max_calls=1), asyncio.get_running_loop()
    hanging = asyncio.create_task(
        deadlines.limit(lambda _: asyncio.sleep(2 * TIMEOUT))  # on the clock of the test
    )
    await asyncio.sleep(0)
    began_at = loop.time()
    if is_answered:
        loop.call_later(TIMEOUT / 3 - 0.1, deadlines.answers.record)

    with pytest.raises(error, match="too many calls wait"):
        await deadlines.limit(answer)

    assert loop.time() - began_at == pytest.approx(seconds)
    await hanging
    await deadlines.limit(answer)


# An operator's own store


_NEVER: Final = 100 * OWN_TIMEOUT


async def hang() -> object:
    await asyncio.sleep(_NEVER)  # on the clock of the test
    return None


async def ignore_cancellation() -> object:
    with suppress(asyncio.CancelledError):
        await hang()
    return await hang()


def raising(error: BaseException) -> Callable[[], Awaitable[object]]:
    async def call() -> object:
        raise error

    return call


@pytest.mark.parametrize(
    ("call", "error", "reason"),
    [
        (hang, StorageTimeout, "no answer within 15 seconds"),
        (ignore_cancellation, StorageTimeout, "no answer within 15 seconds"),
        (raising(SystemExit(1)), StorageTimeout, "it was ended by SystemExit"),
        (raising(KeyError("a bug")), KeyError, "a bug"),
    ],
)
async def test_a_call_that_hangs_or_fails_raises_an_error(
    call: Callable[[], Awaitable[object]], error: type[Exception], reason: str
) -> None:
    began_at = asyncio.get_running_loop().time()
    with pytest.raises(error, match=reason):
        await limit_own_calls()("load", call)

    assert asyncio.get_running_loop().time() - began_at <= OWN_TIMEOUT


async def test_a_caller_that_is_cancelled_ends_the_call() -> None:
    ended = asyncio.Event()

    async def wait() -> object:
        try:
            return await hang()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await limit_own_calls()("load", wait)
    await ended.wait()


# While it does not answer, calls fail at once


@dataclass
class FailingDatabase:
    """A database whose calls fail with an error, after some time."""

    error: Exception | None = None
    seconds: float = 0
    calls: int = 0
    checks: list[float] = field(default_factory=list)

    async def call(self) -> str:
        self.calls += 1
        return await self._respond()

    async def check(self) -> None:
        self.checks.append(now())
        await self._respond()

    async def _respond(self) -> str:
        await asyncio.sleep(self.seconds)  # the time of these tests is virtual
        if self.error is not None:
            raise self.error
        return "value"


@pytest.fixture
def database() -> FailingDatabase:
    return FailingDatabase()


@pytest.fixture
async def breaker(database: FailingDatabase) -> AsyncIterator[CircuitBreaker]:
    breaker = CircuitBreaker(database.check, "database", "writes")
    yield breaker
    breaker.stop()


def now() -> float:
    return asyncio.get_running_loop().time()


async def fail(breaker: CircuitBreaker, database: FailingDatabase, error: Exception) -> None:
    database.error = error
    with pytest.raises(type(error)):
        await breaker.call(database.call)


async def open_breaker(breaker: CircuitBreaker, database: FailingDatabase) -> None:
    """Let three calls fail; calls fail at once from now on."""
    for _ in range(3):
        await fail(breaker, database, StorageUnavailable("away"))


async def test_after_three_failures_in_a_row_no_call_is_made(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    for _ in range(2):
        await fail(breaker, database, StorageTimeout("no answer"))
    database.error = None
    assert await breaker.call(database.call) == "value"
    await open_breaker(breaker, database)
    assert database.calls == 6

    database.seconds = TIMEOUT
    began_at = now()
    with pytest.raises(StorageUnavailable, match="did not answer"):
        await breaker.call(database.call)
    assert (now(), database.calls) == (began_at, 6)


async def test_a_conflict_is_an_answer_and_an_overload_neither_an_answer_nor_a_failure(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    away, full = StorageUnavailable("away"), StorageOverloaded("full")
    for error in [*[away, ConcurrencyConflict("raced")] * 4, away, full, away, full, away]:
        await fail(breaker, database, error)
    with pytest.raises(StorageUnavailable, match="did not answer"):
        await breaker.call(database.call)


async def test_a_check_runs_at_once_and_every_second_until_the_database_answers(
    breaker: CircuitBreaker, database: FailingDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await open_breaker(breaker, database)
    began_at = now()
    await asyncio.sleep(3.5 * CHECK_INTERVAL)  # on the clock of the test
    assert [checked_at - began_at for checked_at in database.checks] == [0, 1, 2, 3]

    database.error = None
    await asyncio.sleep(CHECK_INTERVAL)  # on the clock of the test
    assert await breaker.call(database.call) == "value"
    await asyncio.sleep(9 * CHECK_INTERVAL)  # on the clock of the test
    assert len(database.checks) == 5
    line = {"store": "database", "operations": "writes"}
    assert [record.msg for record in caplog.records] == [
        {**line, "event": "database_unavailable", "reason": "away"},
        {**line, "event": "database_available", "duration_ms": 4000.0},
    ]


# How long a request waits for it


def call(request: CurrentRequest, now: float, seconds: float) -> None:
    request.begin_storage_call(now)
    request.end_storage_call(now + seconds)


def test_calls_at_the_same_time_count_once() -> None:
    request = CurrentRequest({}, 100.0)
    request.begin_storage_call(100.0)
    call(request, 101.0, 1.0)
    request.end_storage_call(103.0)
    assert request.storage_deadline(103.0, 4.5) == 104.5


def test_other_work_takes_from_the_time_but_leaves_a_second() -> None:
    request = CurrentRequest({}, 100.0)
    call(request, 100.0, 0.5)
    assert request.storage_deadline(102.0, 4.5) == 104.5
    # An image was decoded for a long time.
    assert request.storage_deadline(110.0, 4.5) == 110.0 + MIN_STORAGE_SECONDS
    call(request, 110.0, 3.9)
    assert round(request.storage_deadline(113.9, 4.5), 6) == 114.0

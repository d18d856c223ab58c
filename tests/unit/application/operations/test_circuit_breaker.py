"""While the database does not answer, calls fail at once, and a check finds out when it does."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from adapters.databases.records.store_calls import CHECK_INTERVAL, CircuitBreaker
from application.ports.errors import (
    ConcurrencyConflict,
    StorageOverloaded,
    StorageTimeout,
    StorageUnavailable,
)

TIMEOUT = 4.5


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

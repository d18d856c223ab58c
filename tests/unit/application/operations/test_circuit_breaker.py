"""While the database does not answer, calls fail at once, and a check finds out when it does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from adapters.records.circuit_breaker import (
    CHECK_INTERVAL,
    CHECK_TIMEOUT,
    OVERLOAD_SECONDS,
    CircuitBreaker,
)
from application.ports.errors import (
    ConcurrencyConflict,
    CorruptRecord,
    OperationRejected,
    StorageOverloaded,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)

TIMEOUT = 4.5


@dataclass
class FailingDatabase:
    """A database whose reads and writes fail with an error, after some time."""

    read_error: BaseException | None = None
    write_error: BaseException | None = None
    seconds: float = 0
    calls: int = 0
    checks: list[float] = field(default_factory=list)

    async def read(self) -> str:
        self.calls += 1
        return await self._respond(self.read_error)

    async def write(self) -> str:
        self.calls += 1
        return await self._respond(self.write_error)

    async def check_reads(self) -> None:
        await self._respond(self.read_error)

    async def check_writes(self) -> None:
        self.checks.append(now())
        await self._respond(self.write_error)

    def fail(self, error: Exception | None) -> None:
        self.read_error = self.write_error = error

    async def _respond(self, error: BaseException | None) -> str:
        await asyncio.sleep(self.seconds)  # the time of these tests is virtual
        if error is not None:
            raise error
        return "value"


@pytest.fixture
def database() -> FailingDatabase:
    return FailingDatabase()


@pytest.fixture
async def breaker(database: FailingDatabase) -> AsyncIterator[CircuitBreaker]:
    breaker = CircuitBreaker(database.check_reads, database.check_writes)
    yield breaker
    await breaker.stop()


def now() -> float:
    return asyncio.get_running_loop().time()


async def fail(breaker: CircuitBreaker, call: Callable[[], Awaitable[str]], count: int) -> None:
    for _ in range(count):
        with pytest.raises((StorageUnavailable, StorageTimeout)):
            await breaker.write(call)


async def open_breaker(breaker: CircuitBreaker, database: FailingDatabase) -> None:
    """Let three writes fail; reads and writes fail at once from now on."""
    database.fail(StorageUnavailable("away"))
    await fail(breaker, database.write, 3)


async def test_after_three_failures_in_a_row_no_call_is_made(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    database.fail(StorageTimeout("no answer"))
    await fail(breaker, database.write, 2)
    database.fail(None)
    assert await breaker.write(database.write) == "value"
    database.fail(StorageUnavailable("away"))
    await fail(breaker, database.write, 3)
    assert database.calls == 6

    database.seconds = TIMEOUT
    began_at = now()
    for make in (breaker.read, breaker.write):
        with pytest.raises(StorageUnavailable, match="did not answer"):
            await make(database.read)
    assert (now(), database.calls) == (began_at, 6)


@pytest.mark.parametrize(
    "error",
    [
        ConcurrencyConflict("raced"),
        UniqueViolation("taken"),
        CorruptRecord("damaged"),
        OperationRejected("too large"),
    ],
)
async def test_other_errors_are_answers_of_the_database(
    breaker: CircuitBreaker, database: FailingDatabase, error: Exception
) -> None:
    for failure in (StorageUnavailable("away"), error) * 4:
        database.fail(failure)
        with pytest.raises(type(failure)):
            await breaker.write(database.write)
    assert database.calls == 8


async def test_calls_that_were_cancelled_do_not_count(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    database.seconds = TIMEOUT
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await breaker.read(database.read)
    assert await breaker.read(database.read) == "value"


async def test_an_overload_neither_opens_the_circuit_nor_closes_it(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    for error in [StorageUnavailable("away"), *[StorageOverloaded("full")] * 5] * 2:
        database.fail(error)
        with pytest.raises(type(error)):
            await breaker.write(database.write)
    database.fail(StorageUnavailable("away"))
    await fail(breaker, database.write, 1)

    database.fail(StorageOverloaded("full"))
    with pytest.raises(StorageOverloaded):
        await breaker.check(database.write)
    await asyncio.sleep(3 * CHECK_INTERVAL)  # on the clock of the test
    with pytest.raises(StorageUnavailable, match="did not answer"):
        await breaker.write(database.write)


async def test_a_health_check_does_not_wait_behind_an_overload(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    database.read_error = StorageOverloaded("full")
    with pytest.raises(StorageOverloaded):
        await breaker.read(database.read)
    with pytest.raises(StorageOverloaded):
        await breaker.check(database.write)
    assert database.calls == 1

    await asyncio.sleep(OVERLOAD_SECONDS + 0.01)  # on the clock of the test
    assert await breaker.check(database.write) == "value"


async def test_a_health_check_is_made_in_an_overload_while_writes_are_not(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    await open_breaker(breaker, database)
    database.read_error = None
    await asyncio.sleep(CHECK_INTERVAL)  # on the clock of the test
    database.read_error = StorageOverloaded("full")
    with pytest.raises(StorageOverloaded):
        await breaker.read(database.read)

    with pytest.raises(StorageUnavailable, match="away"):
        await breaker.check(database.write)


async def test_a_check_runs_at_once_and_every_second_until_the_database_answers(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    await open_breaker(breaker, database)
    began_at = now()
    await asyncio.sleep(3.5 * CHECK_INTERVAL)  # on the clock of the test
    assert [checked_at - began_at for checked_at in database.checks] == [0, 1, 2, 3]

    database.fail(None)
    await asyncio.sleep(CHECK_INTERVAL)  # on the clock of the test
    assert await breaker.read(database.read) == await breaker.write(database.write) == "value"
    await asyncio.sleep(9 * CHECK_INTERVAL)  # on the clock of the test
    assert len(database.checks) == 5


async def test_a_slow_success_of_a_call_that_began_before_lets_calls_through(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    database.seconds = TIMEOUT
    slow = asyncio.create_task(breaker.write(database.write))
    await asyncio.sleep(0.1)  # on the clock of the test
    database.seconds = 0
    await open_breaker(breaker, database)
    assert await slow == "value"
    database.fail(None)
    assert await breaker.write(database.write) == "value"
    assert await breaker.read(database.read) == "value"


async def test_a_check_that_hangs_is_followed_by_another(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    database.fail(StorageUnavailable("away"))
    await fail(breaker, database.write, 3)
    database.seconds = 3600
    await asyncio.sleep(2 * CHECK_INTERVAL)  # on the clock of the test
    database.seconds = 0
    database.fail(None)
    await asyncio.sleep(CHECK_TIMEOUT + CHECK_INTERVAL)  # on the clock of the test
    assert await breaker.write(database.write) == "value"


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(1)])
async def test_a_check_goes_on_whatever_it_raises(
    breaker: CircuitBreaker, database: FailingDatabase, error: BaseException
) -> None:
    await open_breaker(breaker, database)
    database.read_error = database.write_error = error
    await asyncio.sleep(CHECK_INTERVAL)  # on the clock of the test
    database.fail(None)
    await asyncio.sleep(CHECK_INTERVAL)  # on the clock of the test
    assert await breaker.write(database.write) == "value"


async def test_reads_go_on_while_the_database_rejects_writes_only(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    database.write_error = StorageUnavailable("no standby")
    await fail(breaker, database.write, 3)
    await asyncio.sleep(0.01)  # on the clock of the test
    for _ in range(5):
        assert await breaker.read(database.read) == "value"
        with pytest.raises(StorageUnavailable):
            await breaker.write(database.write)
        await asyncio.sleep(CHECK_INTERVAL)  # on the clock of the test
    assert database.calls == 8


async def test_a_successful_health_check_lets_calls_through(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    await open_breaker(breaker, database)
    with pytest.raises(StorageUnavailable, match="away"):
        await breaker.check(database.write)
    await asyncio.sleep(0.1)  # on the clock of the test
    database.fail(None)
    await breaker.check(database.write)
    assert await breaker.read(database.read) == "value"


async def test_the_log_says_when_it_opens_and_when_it_closes(
    breaker: CircuitBreaker, database: FailingDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(2):
        await open_breaker(breaker, database)
        await asyncio.sleep(5.5 * CHECK_INTERVAL)  # on the clock of the test
        database.fail(None)
        await asyncio.sleep(CHECK_INTERVAL)  # on the clock of the test
    lines, line = [record.msg for record in caplog.records], {"store": "database"}
    assert lines[:4] == [
        {**line, "event": "database_unavailable", "operations": operations, "reason": "away"}
        for operations in ("reads", "writes")
    ] + [
        {**line, "event": "database_available", "operations": operations, "duration_ms": 6000.0}
        for operations in ("reads", "writes")
    ]
    assert len(lines) == 8


async def test_after_its_end_no_check_runs(
    breaker: CircuitBreaker, database: FailingDatabase
) -> None:
    tasks = asyncio.all_tasks()
    await open_breaker(breaker, database)
    await breaker.stop()
    await fail(breaker, database.write, 4)
    assert asyncio.all_tasks() == tasks

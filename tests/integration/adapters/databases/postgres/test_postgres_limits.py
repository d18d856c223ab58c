"""Limits in rows: what a batch sends, and what others do to its rows meanwhile.

The contract suite has what they promise.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
from psycopg.errors import DeadlockDetected

from adapters.databases.postgres import limit_store, open_postgres_database
from adapters.databases.postgres.database import PostgresDatabase
from adapters.databases.postgres.limit_store import MAX_ATTEMPTS
from application.ports.errors import ConcurrencyConflict, StorageTimeout, StorageUnavailable
from application.ports.limits import LimitStore
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow
from tests.contract.postgres_database import contract_postgres_url, in_postgres
from tests.support.builders import NOW
from tests.support.fakes.phone_encryption import FakePhoneEncryption

pytestmark = pytest.mark.slow

HOUR: Final = timedelta(hours=1)
KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
Connection = psycopg.Connection[Any]


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database that exists already."""
    in_postgres(request)
    return contract_postgres_url(request)


@pytest.fixture
async def limits(url: str) -> AsyncIterator[LimitStore]:
    async with open_postgres_database(url, KEY_FINGERPRINT) as database:
        yield database.limits


@pytest.fixture
async def other_limits(limits: LimitStore, url: str) -> AsyncIterator[LimitStore]:
    async with open_postgres_database(url, KEY_FINGERPRINT) as database:
        yield database.limits


@pytest.fixture
def connection(limits: LimitStore, request: pytest.FixtureRequest) -> Iterator[Connection]:
    with psycopg.connect(contract_postgres_url(request), autocommit=True) as connection:
        yield connection


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The batches that were executed from then on."""
    executed: list[str] = []
    run = PostgresDatabase.run

    async def log(self: PostgresDatabase, call: Any) -> Any:
        executed.append("batch")
        return await run(self, call)

    monkeypatch.setattr(PostgresDatabase, "run", log)
    return executed


@pytest.fixture
def deadlocks(monkeypatch: pytest.MonkeyPatch) -> list[DeadlockDetected]:
    """Those that ended a batch from then on."""
    raised: list[DeadlockDetected] = []
    execute = limit_store._execute_once

    async def log(*arguments: Any) -> Any:
        try:
            return await execute(*arguments)
        except DeadlockDetected as error:
            raised.append(error)
            raise

    monkeypatch.setattr(limit_store, "_execute_once", log)
    return raised


def a_limit(limit: int, subject: str = "total") -> RateLimit:
    return RateLimit(subject, LimitPurpose.DELIVERIES, "requests", SlidingWindow(limit, HOUR))


async def acquire_many(limits: LimitStore, count: int, *parts: RateLimit) -> int:
    """Acquire in parallel, each by a call; return how many were acquired."""
    outcomes = await asyncio.gather(*(limits.acquire(parts, NOW) for _ in range(count)))
    return outcomes.count(None)


async def test_calls_that_arrive_together_are_one_transaction(
    limits: LimitStore, transactions: list[str]
) -> None:
    assert await acquire_many(limits, 100, a_limit(100), a_limit(60, "country:US")) == 60

    assert transactions == ["batch"]


async def test_instances_that_need_the_same_rows_in_another_order_do_not_block_each_other(
    limits: LimitStore,
    other_limits: LimitStore,
    connection: Connection,
    deadlocks: list[DeadlockDetected],
) -> None:
    subjects = [f"ip:{number}" for number in range(20)]
    parts = [a_limit(10_000, subject) for subject in subjects]

    for _ in range(20):
        counts = await asyncio.gather(
            acquire_many(limits, 5, *parts),
            acquire_many(other_limits, 5, *reversed(parts)),
            acquire_many(other_limits, 5, *parts[10:], *parts[:10]),
        )
        assert [*counts] == [5, 5, 5]

    assert not deadlocks
    totals = connection.execute("SELECT body->'windows'->'requests'->'total' FROM limits")
    assert [*totals] == [(300,)] * 20


async def test_a_full_limit_is_not_written(limits: LimitStore, connection: Connection) -> None:
    row = "SELECT xmin::text, ctid::text, body FROM limits"
    await limits.acquire([a_limit(1)], NOW)
    before = connection.execute(row).fetchall()

    assert await acquire_many(limits, 50, a_limit(1)) == 0

    assert connection.execute(row).fetchall() == before


@contextmanager
def uncommitted(connection: Connection, statement: str) -> Iterator[None]:
    with connection.transaction():
        connection.execute(statement)
        yield


ADD_FULL: Final = """
INSERT INTO limits (id, expires_at, body) VALUES ('total:deliveries', '2100-01-01',
    '{"schema_version": 1, "expires_at": "2100-01-01T00:00:00Z", "windows": {}}')
"""


async def test_a_row_that_another_instance_adds_meanwhile_is_read(
    limits: LimitStore, connection: Connection
) -> None:
    with uncommitted(connection, ADD_FULL):
        waiting = asyncio.create_task(acquire_many(limits, 10, a_limit(5)))
        # Long enough to have ended, if it did not wait for the lock.
        await asyncio.sleep(0.1)
        assert not waiting.done()

    assert await waiting == 5
    [(body,)] = connection.execute("SELECT body FROM limits").fetchall()
    assert body["windows"]["requests"]["total"] == 5


async def test_a_batch_that_is_always_prevented_ends(
    limits: LimitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    async def prevented(*_: object) -> None:
        attempts.append(1)
        raise psycopg.errors.DeadlockDetected

    monkeypatch.setattr("adapters.databases.postgres.limit_store._execute_once", prevented)
    monkeypatch.setattr("adapters.databases.postgres.limit_store.MAX_PAUSE", 0)

    with pytest.raises(ConcurrencyConflict):
        await limits.acquire([a_limit(5)], NOW)

    assert len(attempts) == MAX_ATTEMPTS


async def test_a_batch_that_waits_too_long_for_a_row_does_nothing(
    limits: LimitStore, connection: Connection, url: str
) -> None:
    await limits.acquire([a_limit(5)], NOW)

    async with open_postgres_database(f"{url}?timeout=0.5", KEY_FINGERPRINT) as impatient:
        with (
            uncommitted(connection, "SELECT FROM limits FOR UPDATE"),
            pytest.raises((StorageTimeout, StorageUnavailable)),
        ):
            await impatient.limits.acquire([a_limit(5)], NOW)

    assert await acquire_many(limits, 9, a_limit(5)) == 4


async def test_the_server_releases_the_locks_of_a_process_that_stops(url: str) -> None:
    async with open_postgres_database(f"{url}?timeout=7", KEY_FINGERPRINT) as database:
        pool = database.limits._database.pool  # type: ignore[attr-defined]
        async with pool.connection() as connection:
            shown = await connection.execute("SHOW idle_in_transaction_session_timeout")
            assert await shown.fetchall() == [("7s",)]


async def test_rows_that_others_lock_are_not_waited_for_by_the_cleanup(
    limits: LimitStore, connection: Connection
) -> None:
    await limits.acquire([a_limit(5, "a"), a_limit(5, "b")], NOW)
    with uncommitted(connection, "SELECT FROM limits WHERE id = 'a:deliveries' FOR UPDATE"):
        assert await limits.delete_expired(NOW + 3 * HOUR, 10) == 1

    assert await limits.delete_expired(NOW + 3 * HOUR, 10) == 1

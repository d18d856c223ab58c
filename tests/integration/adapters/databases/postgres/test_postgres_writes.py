"""Rows that are written together: what is sent, and what others do to the rows meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
from psycopg.errors import DeadlockDetected

from adapters.databases.postgres import limit_store, open_postgres_database
from adapters.databases.postgres.driver import PostgresConnection
from adapters.databases.postgres.limit_store import MAX_ATTEMPTS
from adapters.databases.postgres.sessions import Sessions
from adapters.databases.records.kinds import DELIVERY_REPORTS
from adapters.databases.records.record_store import RecordStore
from application.ports.errors import ConcurrencyConflict, StorageTimeout, StorageUnavailable
from application.ports.limits import LimitStore
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow
from tests.contract.postgres_database import contract_postgres_url, in_postgres
from tests.contract.suites.storage.record_examples import a_report
from tests.support.builders import NOW
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.waiting import wait_until

# Rows that are written together: what is sent, and what others do to the rows meanwhile

pytestmark = pytest.mark.slow

KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
KIND: Final = DELIVERY_REPORTS
NAMES: Final = ("1", "2", "3", "4")
LOCK: Final = f"UPDATE {KIND.name} SET version = version WHERE id = %s"  # noqa: S608
WAITING: Final = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def add_all(store: RecordStore, *names: str) -> list[Any]:
    writes = (store.add(KIND, name, a_report(name), 1) for name in names)
    return await asyncio.gather(*writes, return_exceptions=True)


async def replace_each(store: RecordStore, versions: Mapping[str, int]) -> list[Any]:
    writes = (
        store.replace(KIND, name, a_report(name), version) for name, version in versions.items()
    )
    return await asyncio.gather(*writes, return_exceptions=True)


async def test_writes_of_a_moment_are_a_statement_of_each_sort(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    execute = Sessions.execute

    async def log(
        self: Sessions, connection: PostgresConnection, sql: str, values: Sequence[object] = ()
    ) -> Any:
        sent.append(sql.split(maxsplit=1)[0])
        return await execute(self, connection, sql, values)

    async with open_postgres_database(postgres_database, KEY_FINGERPRINT) as database:
        store = database.records
        monkeypatch.setattr(Sessions, "execute", log)
        await add_all(store, *NAMES)
        await asyncio.gather(add_all(store, "5", "6"), replace_each(store, dict.fromkeys(NAMES, 1)))

    # A replacement locks its rows first.
    assert sent[0] == "INSERT"
    assert sorted(sent[1:]) == ["INSERT", "WITH"]


async def test_a_batch_that_the_server_ends_because_of_a_deadlock_is_executed_again(
    postgres_database: str,
) -> None:
    async with open_postgres_database(postgres_database, KEY_FINGERPRINT) as database:
        await add_all(database.records, *NAMES)
        with (
            psycopg.connect(postgres_database, autocommit=True) as connection,
            psycopg.connect(postgres_database) as other,
        ):
            other.execute(LOCK, ["3"])
            replacing = asyncio.create_task(replace_each(database.records, dict.fromkeys(NAMES, 1)))
            await wait_until(lambda: connection.execute(WAITING).fetchall() == [(1,)])
            with suppress(DeadlockDetected):  # the server chooses whom it ends
                await asyncio.to_thread(other.execute, LOCK, ["1"])
            other.rollback()

        assert await replacing == [True] * 4


# Limits in rows: what a batch sends, and what others do to its rows meanwhile


HOUR: Final = timedelta(hours=1)
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
def connection(limits: LimitStore, url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def a_limit(limit: int, subject: str = "total") -> RateLimit:
    return RateLimit(subject, LimitPurpose.DELIVERIES, "requests", SlidingWindow(limit, HOUR))


async def acquire_many(limits: LimitStore, count: int, *parts: RateLimit) -> int:
    """Acquire in parallel, each by a call; return how many were acquired."""
    outcomes = await asyncio.gather(*(limits.acquire(parts, NOW) for _ in range(count)))
    return outcomes.count(None)


async def test_calls_that_arrive_together_are_one_transaction(
    limits: LimitStore, connection: Connection
) -> None:
    assert await acquire_many(limits, 100, a_limit(100), a_limit(60, "country:US")) == 60

    assert connection.execute("SELECT DISTINCT xmin::text FROM limits").rowcount == 1
    before = connection.execute("SELECT xmin::text FROM limits").fetchall()
    # What is full is not written.
    assert await acquire_many(limits, 50, a_limit(60, "country:US")) == 0
    assert connection.execute("SELECT xmin::text FROM limits").fetchall() == before


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
    assert await limits.count_used([a_limit(5)], NOW) == [5]


async def test_a_batch_that_is_always_prevented_ends(
    limits: LimitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    async def prevented(*_: object) -> None:
        attempts.append(1)
        raise DeadlockDetected

    monkeypatch.setattr(limit_store, "_execute_once", prevented)
    monkeypatch.setattr(limit_store, "MAX_PAUSE", 0)

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

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

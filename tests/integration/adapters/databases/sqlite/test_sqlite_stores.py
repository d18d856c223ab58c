"""The stores over SQLite: damaged rows, and unknown fields."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.databases.records.database import Database
from adapters.databases.sqlite import open_sqlite_database
from application.ports.errors import CorruptRecord
from domain.otp.rate_limits import Acquisition, LimitPurpose, RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW

NOT_UTF_8 = b"\xff"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    async with open_sqlite_database(path, "keys") as database:
        yield database


@pytest.fixture
def connection(database: Database, path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def limit_of(subject: str, permits: int = 5) -> RateLimit:
    window = SlidingWindow(permits, timedelta(hours=1))
    return RateLimit(subject, LimitPurpose.DELIVERIES, "requests", window)


def reserve(*subjects: str) -> Reservation:
    return Reservation(NOW, tuple(map(limit_of, subjects)))


def damage(connection: sqlite3.Connection, table: str, body: object) -> None:
    sql = f"UPDATE {table} SET body = CAST(? AS TEXT) WHERE id LIKE 'damaged%'"  # noqa: S608
    assert connection.execute(sql, (body,)).rowcount == 1


@pytest.mark.parametrize("body", ["{", '{"windows": 1}', NOT_UTF_8])
async def test_a_damaged_limit_fails_those_only_who_need_it(
    database: Database, connection: sqlite3.Connection, body: object
) -> None:
    await database.limits.acquire(reserve("damaged"))
    damage(connection, "limits", body)

    others, acquired, available = await asyncio.gather(
        database.limits.acquire(reserve("a")),
        database.limits.acquire(reserve("damaged", "b")),
        database.limits.next_available(reserve("damaged")),
        return_exceptions=True,
    )

    assert isinstance(acquired, CorruptRecord)
    assert isinstance(available, CorruptRecord)
    assert not isinstance(others, BaseException)
    assert isinstance(others[0], Acquisition)
    ids = {row[0] for row in connection.execute("SELECT id FROM limits")}
    assert ids == {"damaged:deliveries", "a:deliveries"}


def body_of(connection: sqlite3.Connection, table: str) -> Any:
    [(body,)] = connection.execute(f"SELECT body FROM {table}")  # noqa: S608
    return json.loads(body)


async def test_unknown_fields_and_windows_of_a_limit_are_kept(
    database: Database, connection: sqlite3.Connection
) -> None:
    await database.limits.acquire(reserve("a"))
    window = '{"counters": {"1777627800000": 3}, "total": 3}'
    connection.execute(
        "UPDATE limits SET body = json_set(body, '$.new', json('[1]'), '$.windows.new', json(?))",
        (window,),
    )

    [acquired] = await database.limits.acquire(reserve("a"))
    assert isinstance(acquired, Acquisition)
    await database.limits.release(acquired)

    body = body_of(connection, "limits")
    assert body["new"] == [1]
    assert body["windows"]["new"] == json.loads(window)
    assert body["windows"]["requests"]["total"] == 1


async def test_many_limits_are_one_call(database: Database) -> None:
    subjects = [f"phone:{number}" for number in range(250)]

    acquired = await database.limits.acquire(*[reserve("total2", one) for one in subjects])

    assert [isinstance(one, Acquisition) for one in acquired] == [True] * 5 + [False] * 245

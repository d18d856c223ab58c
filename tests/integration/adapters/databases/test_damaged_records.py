"""Damage that only one of the databases may have; the contract suites have what all may have.

What cannot be read is never taken for a record that does not exist: it would sign a user out.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import bson
import psycopg
import pytest
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from adapters.databases.postgres.database import PostgresDatabase
from adapters.databases.postgres.record_store import make_record_store
from adapters.databases.postgres.sessions import Sessions
from adapters.databases.postgres.url import parse_url
from adapters.databases.records.call_deadlines import CallDeadlines
from adapters.databases.records.kinds import IDENTITIES, USERNAMES
from application.ports.errors import CorruptRecord, StorageUnavailable
from application.ports.versioned import Versioned
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow
from tests.integration.adapters.databases.postgres.postgres_support import (
    break_text,
    lose_long_body,
)
from tests.support.builders import NOW, a_delivery_report, an_id, an_identity
from tests.support.repositories import (
    OpenRepositories,
    open_mongo_repositories,
    open_postgres_repositories,
    open_sqlite_repositories,
)

OTHER: Final = an_identity(id=an_id(2))


def a_limit(subject: str) -> RateLimit:
    window = SlidingWindow(5, timedelta(hours=1))
    return RateLimit(subject, LimitPurpose.DELIVERIES, "requests", window)


DAMAGED: Final = a_limit("damaged")


async def assert_that_a_limit_is_damaged(opened: OpenRepositories) -> None:
    """Assert that a limit fails those who need it, and all others have the permits they say."""
    limits, others = opened.stores.limits, [a_limit(subject) for subject in "abc"]
    for call in (
        limits.acquire([DAMAGED, others[0]], NOW),
        limits.next_available([DAMAGED], NOW),
    ):
        failed, *done = await asyncio.gather(
            call, *(limits.acquire([limit], NOW) for limit in others), return_exceptions=True
        )
        assert isinstance(failed, CorruptRecord)
        assert "secret" not in str(failed)
        assert done == [None] * 3
    assert await limits.count_used(others, NOW) == [2, 2, 2]


async def assert_first_is_damaged(opened: OpenRepositories) -> None:
    damaged, found = await asyncio.gather(
        *map(opened.identities.load, (an_id(), an_id(2))), return_exceptions=True
    )
    assert isinstance(damaged, CorruptRecord)
    assert "secret" not in str(damaged)
    assert found == Versioned(OTHER, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": bson.DatetimeMS(2**62)},  # Later than any date of Python.
        {"version": "a secret"},
    ],
    ids=str,
)
async def test_a_damaged_document_affects_no_other_reader_of_its_batch(
    emptied_mongo_database: str, changes: dict[str, Any]
) -> None:
    async with open_mongo_repositories(emptied_mongo_database) as opened:
        await opened.identities.add(an_identity())
        await opened.identities.add(OTHER)
        with MongoClient[dict[str, Any]](emptied_mongo_database) as client:
            identities = client.get_default_database()["identities"]
            identities.update_one({"_id": an_id()}, {"$set": changes})

        await assert_first_is_damaged(opened)


async def test_a_document_that_the_driver_cannot_decode_affects_no_other_reader(
    emptied_mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Limits with room are not read, so nobody sees what is damaged in them.
    monkeypatch.setattr("adapters.databases.mongo.limit_store.READ_PROBABILITY", 1)
    async with open_mongo_repositories(emptied_mongo_database) as opened:
        await opened.identities.add(an_identity())
        await opened.identities.add(OTHER)
        await opened.stores.limits.acquire([DAMAGED], NOW)
        with MongoClient[RawBSONDocument](
            emptied_mongo_database, document_class=RawBSONDocument
        ) as client:
            no_utf_8 = bson.encode({"note": "a secret"}).replace(b"a ", b"\xff\xfe")
            for collection, record_id in (("identities", an_id()), ("limits", DAMAGED.record_id)):
                client.get_default_database()[collection].update_one(
                    {"_id": record_id}, {"$set": RawBSONDocument(no_utf_8)}
                )

        await assert_first_is_damaged(opened)
        await assert_that_a_limit_is_damaged(opened)


@pytest.mark.parametrize(
    "damage",
    [
        """body = '"a secret"'""",
        "body = NULL",
        "version = NULL",
    ],
)
async def test_a_damaged_row_of_postgresql_affects_no_other_reader_of_its_batch(
    postgres_database: str, damage: str
) -> None:
    async with open_postgres_repositories(postgres_database) as opened:
        await opened.identities.add(an_identity())
        await opened.identities.add(OTHER)
        with psycopg.connect(postgres_database, autocommit=True) as connection:
            for column in ("body", "version"):
                connection.execute(f"ALTER TABLE identities ALTER {column} DROP NOT NULL")
            connection.execute(f"UPDATE identities SET {damage} WHERE id = '{an_id()}'")  # noqa: S608

        await assert_first_is_damaged(opened)


@pytest.mark.parametrize("damage", [lose_long_body, break_text], ids=lambda damage: damage.__name__)
async def test_a_row_that_postgresql_or_its_driver_cannot_read_affects_no_other_reader(
    postgres_database: str, damage: Callable[[str, str, str], None]
) -> None:
    async with open_postgres_repositories(postgres_database) as opened:
        await opened.identities.add(an_identity())
        await opened.identities.add(OTHER)
        await opened.stores.limits.acquire([DAMAGED], NOW)
        for table, row_id in (("identities", an_id()), ("limits", DAMAGED.record_id)):
            damage(postgres_database, table, row_id)

        await assert_first_is_damaged(opened)
        await assert_that_a_limit_is_damaged(opened)


@pytest.mark.parametrize(
    "damage",
    [
        "body = '{'",
        """body = CAST(x'7b22ff227d' AS TEXT)""",  # no UTF-8
        "version = 'one'",
    ],
)
async def test_a_damaged_row_affects_no_other_reader_of_its_batch(
    tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "dialtone.db"
    async with open_sqlite_repositories(path) as repositories:
        reports = repositories.delivery_reports
        for report_id in ("damaged", "whole"):
            await reports.add(a_delivery_report(id=report_id))
        with closing(sqlite3.connect(path)) as connection:
            # A file that is damaged keeps no constraint.
            connection.executescript(f"""
                CREATE TABLE damaged AS SELECT * FROM delivery_reports;
                UPDATE damaged SET {damage} WHERE id = 'damaged';
                DROP TABLE delivery_reports;
                ALTER TABLE damaged RENAME TO delivery_reports;
            """)  # noqa: S608 -- our texts

        damaged, whole, missing = await asyncio.gather(
            *map(reports.load, ("damaged", "whole", "missing")), return_exceptions=True
        )

    assert isinstance(damaged, CorruptRecord)
    assert (whole, missing) == (Versioned(a_delivery_report(id="whole"), 1), None)


@pytest.mark.parametrize("row", [(1,), (an_id(), "{}", 1), (an_id(2), 1, "{}")], ids=str)
async def test_rows_of_another_statement_of_postgresql_are_no_answer(
    monkeypatch: pytest.MonkeyPatch, row: tuple[Any, ...]
) -> None:
    async def read(*_: object) -> list[tuple[Any, ...]]:
        return [row]

    monkeypatch.setattr(PostgresDatabase, "read", read)
    pool: Any = None
    url = parse_url("postgresql://127.0.0.1/dialtone")
    store = make_record_store(
        PostgresDatabase(pool, Sessions(url), CallDeadlines(url.timeout_seconds))
    )

    with pytest.raises(StorageUnavailable):
        await store.load(IDENTITIES, [an_id()])
    with pytest.raises((StorageUnavailable, CorruptRecord)):
        await store.find(IDENTITIES, USERNAMES, ["ada"], limit=1)
    if len(row) != 1:
        with pytest.raises(StorageUnavailable):
            await store.count(IDENTITIES, USERNAMES, ["ada"], 1)

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

from application.ports.errors import CorruptRecord
from application.ports.versioned import Versioned
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW, a_phone, an_id, an_identity
from tests.support.repositories import (
    OpenRepositories,
    open_mongo_repositories,
    open_postgres_repositories,
    open_sqlite_repositories,
)

OTHER: Final = an_identity(id=an_id(2))
NO_UTF8_DOCUMENT: Final = RawBSONDocument(
    bson.encode({"note": "a secret"}).replace(b"a ", b"\xff\xfe")
)
NO_UTF8: Final = "CAST(x'7b22ff227d' AS TEXT)"


def a_limit(subject: str) -> RateLimit:
    window = SlidingWindow(5, timedelta(hours=1))
    return RateLimit(subject, LimitPurpose.DELIVERIES, "requests", window)


DAMAGED: Final = a_limit("damaged")


async def fill(opened: OpenRepositories) -> None:
    """Add two identities and a limit: the first identity, and the limit, will be damaged."""
    for identity in (an_identity(), OTHER):
        await opened.identities.add(identity)
    await opened.stores.limits.acquire([DAMAGED], NOW)


async def assert_first_is_damaged(opened: OpenRepositories) -> None:
    damaged, found = await asyncio.gather(
        *map(opened.identities.load, (an_id(), an_id(2))), return_exceptions=True
    )
    assert isinstance(damaged, CorruptRecord)
    assert an_id() in str(damaged)
    assert "secret" not in str(damaged)
    assert found == Versioned(OTHER, 1)


async def assert_limit_is_damaged(opened: OpenRepositories) -> None:
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


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": bson.DatetimeMS(2**62)},  # Later than any date of Python.
        {"version": "a secret"},
        NO_UTF8_DOCUMENT,
    ],
    ids=["time", "version", "text"],
)
async def test_a_damaged_document_affects_no_other_reader_of_its_batch(
    emptied_mongo_database: str, changes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Limits with room are not read, so nobody sees what is damaged in them.
    monkeypatch.setattr("adapters.databases.mongo.limit_store.READ_PROBABILITY", 1)
    async with open_mongo_repositories(emptied_mongo_database) as opened:
        await fill(opened)
        with MongoClient[RawBSONDocument](
            emptied_mongo_database, document_class=RawBSONDocument
        ) as client:
            database = client.get_default_database()
            database["identities"].update_one({"_id": an_id()}, {"$set": changes})
            database["limits"].update_one({"_id": DAMAGED.record_id}, {"$set": changes})

        await assert_first_is_damaged(opened)
        if isinstance(changes, RawBSONDocument):
            await assert_limit_is_damaged(opened)


def break_text(connection: psycopg.Connection[Any], table: str, row_id: str) -> None:
    """Store a text in the body of a row that is no UTF-8, as a damaged disk may do."""
    connection.execute("CREATE TABLE IF NOT EXISTS texts AS SELECT '\\xff'::bytea AS text")
    connection.execute("""
        UPDATE pg_attribute SET atttypid = 'text'::regtype
        WHERE attrelid = 'texts'::regclass AND attname = 'text'
    """)
    broken = "jsonb_build_object('note', (SELECT text FROM texts))"
    connection.execute(f"UPDATE {table} SET body = body || {broken} WHERE id = %s", [row_id])  # noqa: S608


def set_body_to_null(connection: psycopg.Connection[Any], table: str, row_id: str) -> None:
    connection.execute(f"ALTER TABLE {table} ALTER body DROP NOT NULL")
    connection.execute(f"UPDATE {table} SET body = NULL WHERE id = %s", [row_id])  # noqa: S608


@pytest.mark.parametrize(
    "damage", [break_text, set_body_to_null], ids=lambda damage: damage.__name__
)
async def test_a_damaged_row_of_postgresql_affects_no_other_reader_of_its_batch(
    postgres_database: str, damage: Callable[[psycopg.Connection[Any], str, str], None]
) -> None:
    async with open_postgres_repositories(postgres_database) as opened:
        await fill(opened)
        with psycopg.connect(postgres_database, autocommit=True) as connection:
            damage(connection, "identities", an_id())
            damage(connection, "limits", DAMAGED.record_id)

        await assert_first_is_damaged(opened)
        await assert_limit_is_damaged(opened)


@pytest.mark.parametrize(
    "damage",
    [
        "body = '{'",
        f"body = {NO_UTF8}",
        "version = 'one'",
    ],
)
async def test_a_damaged_row_affects_no_other_reader_of_its_batch(
    tmp_path: Path, damage: str
) -> None:
    async with open_sqlite_repositories(tmp_path / "dialtone.db") as opened:
        await fill(opened)
        with closing(sqlite3.connect(tmp_path / "dialtone.db")) as connection:
            # A file that is damaged keeps no constraint.
            connection.executescript(f"""
                CREATE TABLE damaged AS SELECT * FROM identities;
                UPDATE damaged SET {damage} WHERE id = '{an_id()}';
                DROP TABLE identities;
                ALTER TABLE damaged RENAME TO identities;
            """)  # noqa: S608 -- our texts

        await assert_first_is_damaged(opened)


async def fill_with_deleted(opened: OpenRepositories) -> None:
    """Add three deleted identities: the first two will be damaged."""
    for number in (1, 2, 3):
        identity = an_identity(id=an_id(number), phone=a_phone(number)).delete(NOW)
        await opened.identities.add(identity)


async def assert_two_are_left_out(
    opened: OpenRepositories, caplog: pytest.LogCaptureFixture
) -> None:
    """Assert that a list has the third identity only, and that the log names each of the others."""
    for _ in range(2):
        listed = await opened.identities.list_unpurged(9)
        assert [each.value.id for each in listed] == [an_id(3)]
    lines = [str(record.msg) for record in caplog.records]
    assert len(lines) == 2
    assert all(an_id(number) in line for number, line in zip((1, 2), lines, strict=True))
    assert "secret" not in caplog.text


@pytest.mark.parametrize("body", ["'{'", "'null'", "''", NO_UTF8])
async def test_a_list_leaves_out_and_names_damaged_rows_of_sqlite(
    tmp_path: Path, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_sqlite_repositories(tmp_path / "dialtone.db") as opened:
        await fill_with_deleted(opened)
        with closing(sqlite3.connect(tmp_path / "dialtone.db")) as connection, connection:
            update = f"UPDATE identities SET body = {body} WHERE id IN (?, ?)"  # noqa: S608
            connection.execute(update, (an_id(1), an_id(2)))
        await assert_two_are_left_out(opened, caplog)


async def test_a_list_leaves_out_and_names_damaged_rows_of_postgresql(
    postgres_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_postgres_repositories(postgres_database) as opened:
        await fill_with_deleted(opened)
        with psycopg.connect(postgres_database, autocommit=True) as connection:
            for number in (1, 2):
                break_text(connection, "identities", an_id(number))
        await assert_two_are_left_out(opened, caplog)


async def test_a_list_leaves_out_and_names_damaged_documents(
    emptied_mongo_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_mongo_repositories(emptied_mongo_database) as opened:
        await fill_with_deleted(opened)
        with MongoClient[RawBSONDocument](
            emptied_mongo_database, document_class=RawBSONDocument
        ) as client:
            client.get_default_database()["identities"].update_many(
                {"_id": {"$in": [an_id(1), an_id(2)]}}, {"$set": NO_UTF8_DOCUMENT}
            )
        await assert_two_are_left_out(opened, caplog)

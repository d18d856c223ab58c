"""Damage that only one of the databases may have; the contract suites have what all may have."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import bson
import psycopg
import pytest
from pymongo import MongoClient

from application.ports.errors import CorruptRecord
from application.ports.versioned import Versioned
from tests.support.builders import a_delivery_report, an_id, an_identity
from tests.support.repositories import (
    open_mongo_repositories,
    open_postgres_repositories,
    open_sqlite_repositories,
)

OTHER: Final = an_identity(id=an_id(2))


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": "a secret"},
        {"created_at": bson.DatetimeMS(2**62)},  # Later than any date of Python.
        {"schema_version": 0},
        {"version": "1"},
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

        damaged, found = await asyncio.gather(
            *map(opened.identities.load, (an_id(), an_id(2))), return_exceptions=True
        )

    assert isinstance(damaged, CorruptRecord)
    assert "secret" not in str(damaged)
    assert found == Versioned(OTHER, 1)


@pytest.mark.parametrize("body", ["[]", '{"id": 1}', '{"schema_version": 0}', '"a secret"'])
async def test_a_damaged_row_of_postgresql_affects_no_other_reader_of_its_batch(
    postgres_database: str, body: str
) -> None:
    async with open_postgres_repositories(postgres_database) as opened:
        await opened.identities.add(an_identity())
        await opened.identities.add(OTHER)
        with psycopg.connect(postgres_database, autocommit=True) as connection:
            change = "UPDATE identities SET body = %s::jsonb WHERE id = %s"
            connection.execute(change, (body, an_id()))

        damaged, found = await asyncio.gather(
            *map(opened.identities.load, (an_id(), an_id(2))), return_exceptions=True
        )

    assert isinstance(damaged, CorruptRecord)
    assert "secret" not in str(damaged)
    assert found == Versioned(OTHER, 1)


@pytest.mark.parametrize("body", [b"{", b'{"\xff"}', b"[]"])
async def test_a_damaged_row_affects_no_other_reader_of_its_batch(
    tmp_path: Path, body: bytes
) -> None:
    path = tmp_path / "dialtone.db"
    async with open_sqlite_repositories(path) as repositories:
        reports = repositories.delivery_reports
        for report_id in ("damaged", "whole"):
            await reports.add(a_delivery_report(id=report_id))
        with closing(sqlite3.connect(path)) as connection:
            statement = "UPDATE delivery_reports SET body = CAST(? AS TEXT) WHERE id = 'damaged'"
            connection.execute(statement, (body,))
            connection.commit()

        damaged, whole, missing = await asyncio.gather(
            *map(reports.load, ("damaged", "whole", "missing")), return_exceptions=True
        )

    assert isinstance(damaged, CorruptRecord)
    assert (whole, missing) == (Versioned(a_delivery_report(id="whole"), 1), None)

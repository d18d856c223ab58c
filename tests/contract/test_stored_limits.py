"""Limits that another program stored, or a damaged disk, in our databases."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Any, Final

import psycopg
import pytest
from pymongo import MongoClient

from adapters.databases.mongo import limit_store
from adapters.databases.records.database import Database
from application.ports.errors import CorruptRecord, StorageUnavailable
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow
from tests.contract.conftest import in_sqlite
from tests.contract.mongo_database import contract_database_url, in_mongo
from tests.contract.postgres_database import contract_postgres_url, in_postgres
from tests.support.builders import NOW

Fields = Mapping[str, Any]
Change = Callable[[Fields], Fields]


def change_row(request: pytest.FixtureRequest, fields: Fields) -> Fields:
    sql = "UPDATE limits SET body = json_patch(body, ?) RETURNING body"
    path = request.getfixturevalue("sqlite_path")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        [(body,)] = connection.execute(sql, (json.dumps(fields),)).fetchall()
    return json.loads(body)  # type: ignore[no-any-return]


def change_row_of_postgresql(request: pytest.FixtureRequest, fields: Fields) -> Fields:
    sql = "UPDATE limits SET body = body || %s::jsonb RETURNING body"
    with psycopg.connect(contract_postgres_url(request), autocommit=True) as connection:
        [(body,)] = connection.execute(sql, [json.dumps(fields)]).fetchall()
    return body  # type: ignore[no-any-return]


def change_document(request: pytest.FixtureRequest, fields: Fields) -> Fields:
    with MongoClient[dict[str, Any]](contract_database_url(request)) as client:
        collection = client.get_default_database()["limits"]
        collection.update_one({}, {"$set": fields})
        [document] = collection.find()
        return document


CHANGES: Final = {
    in_sqlite: change_row,
    in_postgres: change_row_of_postgresql,
    in_mongo: change_document,
}
pytestmark = pytest.mark.parametrize(
    "instances", CHANGES, indirect=True, ids=lambda one: one.__name__
)


@pytest.fixture
def change(request: pytest.FixtureRequest) -> Change:
    """Return a function that gives the only limit other fields, and returns them all."""
    return partial(CHANGES[request.node.callspec.params["instances"]], request)


WINDOW: Final = {"counters": {"1": 3}, "total": 3}


def a_limit(subject: str = "total") -> RateLimit:
    window = SlidingWindow(5, timedelta(hours=1))
    return RateLimit(subject, LimitPurpose.DELIVERIES, "requests", window)


async def test_unknown_fields_and_windows_of_a_limit_are_kept(
    database: Database, change: Change
) -> None:
    await database.limits.acquire([a_limit()], NOW)
    windows = change({"unknown": [1]})["windows"]
    change({"windows": {**windows, "newer": WINDOW}})

    await database.limits.acquire([a_limit()], NOW)
    await database.limits.release([a_limit()], NOW)

    stored = change({})
    assert stored["unknown"] == [1]
    assert stored["windows"]["newer"] == WINDOW
    assert stored["windows"]["requests"]["total"] == 1


async def test_a_damaged_limit_fails_those_only_who_need_it(
    database: Database, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A limit with room is not always read, so not everybody sees what is damaged in it.
    monkeypatch.setattr(limit_store, "READ_PROBABILITY", 1)
    damaged, other, whole = a_limit("damaged"), a_limit("other"), a_limit("whole")
    await database.limits.acquire([damaged], NOW)
    requests = change({})["windows"]["requests"]
    change({"windows": {"requests": {**requests, "total": "a secret"}}})
    await database.limits.acquire([whole], NOW)

    *failed, added, released = await asyncio.gather(
        database.limits.acquire([damaged, other], NOW),
        database.limits.next_available([damaged], NOW),
        database.limits.release([damaged], NOW),
        database.limits.acquire([whole], NOW),
        database.limits.release([whole], NOW),
        return_exceptions=True,
    )

    assert [type(error) for error in failed[:2]] == [CorruptRecord] * 2
    assert isinstance(failed[2], CorruptRecord | StorageUnavailable)
    assert not any("secret" in str(error) for error in failed)
    assert (added, released) == (None, None)
    assert await database.limits.count_used([other, whole], NOW) == [0, 1]

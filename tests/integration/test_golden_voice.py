"""What the phone line has stored is read by every later version, from both databases.

The golden files are never written again.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

import pytest
from bson import json_util
from pymongo import MongoClient

from adapters.mongo import open_mongo_repositories
from adapters.sqlite import open_sqlite_repositories
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.page import Cursor
from domain.voice.call import Call
from tests.integration.golden_voice import (
    CALLED_BACK,
    CALLS,
    INBOUND,
    JOINED,
    JOINED_PHONE,
    MINUTE,
    OUTBOUND,
    REPORT,
    START,
)
from tests.support.fakes.phone_encryption import FakePhoneEncryption

GOLDEN: Final = Path(__file__).with_name("golden")


@asynccontextmanager
async def from_sqlite(request: pytest.FixtureRequest) -> AsyncIterator[Repositories]:
    path: Path = request.getfixturevalue("tmp_path") / "records.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((GOLDEN / "sqlite_schema_3.sql").read_text("utf-8"))
    async with open_sqlite_repositories(path, FakePhoneEncryption()) as repositories:
        yield repositories


@asynccontextmanager
async def from_mongo(request: pytest.FixtureRequest) -> AsyncIterator[Repositories]:
    url: str = request.getfixturevalue("mongo_database")
    golden = json_util.loads((GOLDEN / "mongo_records_4.json").read_text("utf-8"))
    with MongoClient[dict[str, Any]](url) as client:
        for collection, documents in golden.items():
            client.get_default_database()[collection].insert_many(documents)
    async with open_mongo_repositories(url, FakePhoneEncryption()) as repositories:
        yield repositories


@pytest.fixture(params=[from_sqlite, from_mongo], ids=["sqlite", "mongo"])
async def repositories(request: pytest.FixtureRequest) -> AsyncIterator[Repositories]:
    async with request.param(request) as repositories:
        yield repositories


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.id)
async def test_a_call_is_read(repositories: Repositories, call: Call) -> None:
    assert await repositories.calls.load(call.id) == Versioned(call, 1)


async def test_a_report_is_read(repositories: Repositories) -> None:
    assert await repositories.delivery_reports.load(REPORT.id) == Versioned(REPORT, 1)


async def test_callbacks_and_consent_are_read(repositories: Repositories) -> None:
    assert (await repositories.phone_verifications.load(JOINED_PHONE)).value == CALLED_BACK
    assert await repositories.identities.load(JOINED.id) == Versioned(JOINED, 1)


async def test_calls_are_listed(repositories: Repositories) -> None:
    cursor = Cursor(OUTBOUND.started_at, OUTBOUND.id)

    assert list(await repositories.call_pages.list_after(JOINED.id, cursor, 10)) == [INBOUND]
    assert len(await repositories.call_pages.list_after(None, None, 10)) == len(CALLS)
    assert list(await repositories.call_cleanup.list_recorded(START + 2 * MINUTE, 10)) == [
        Versioned(INBOUND, 1)
    ]


async def test_expired_reports_are_deleted(repositories: Repositories) -> None:
    assert await repositories.delivery_reports.delete_expired(REPORT.expires_at, 10) == 1

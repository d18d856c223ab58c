"""A database of an earlier version is opened and used by this one.

The golden files are never written again.
"""

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from bson import json_util
from pymongo import MongoClient

from adapters.mongo import metadata, open_mongo_repositories
from adapters.sqlite import open_sqlite_repositories
from adapters.sqlite.migrations import MIGRATIONS, migrate
from application.ports.repositories import Repositories
from domain.identities.identity import Identity
from domain.identities.username import Username
from domain.media.image import MediaKind
from domain.media.page import ItemFilter
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from tests.integration.golden_records import GOLDEN, MongoForm, SqliteForm
from tests.support.fakes.phone_encryption import FakePhoneEncryption

START: Final = datetime(2026, 5, 1, 9, 30, 0, 123_000, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
PHONE: Final = PhoneNumber("+14155552671")
ENCRYPTION: Final = FakePhoneEncryption()
VOICE: Final = "mongo_records_4"
"""Has only records of the phone line; the latest file of SQLite has all kinds."""
LATEST: Final = SqliteForm.generations[-1]
CLIENT_IPS: Final = ("203.0.113.", "2001:db8:")


@asynccontextmanager
async def from_sqlite(request: pytest.FixtureRequest, name: str) -> AsyncIterator[Repositories]:
    path = golden_file(request.getfixturevalue("tmp_path"), name)
    async with open_sqlite_repositories(path, ENCRYPTION) as repositories:
        yield repositories


@asynccontextmanager
async def from_mongo(request: pytest.FixtureRequest, name: str) -> AsyncIterator[Repositories]:
    url: str = request.getfixturevalue("mongo_database")
    with MongoClient[dict[str, Any]](url) as client:
        golden = json_util.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
        for collection, documents in golden.items():
            client.get_default_database()[collection].insert_many(documents)
    async with open_mongo_repositories(url, ENCRYPTION) as repositories:
        yield repositories


def golden_file(folder: Path, name: str) -> Path:
    """Make the file that a golden file describes."""
    path = folder / "records.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((GOLDEN / f"{name}.sql").read_text("utf-8"))
    return path


@pytest.fixture
async def repositories(request: pytest.FixtureRequest) -> AsyncIterator[Repositories]:
    """Open a golden database."""
    name: str = request.param
    open_golden = from_sqlite if name.startswith("sqlite") else from_mongo
    async with open_golden(request, name) as repositories:
        yield repositories


def golden(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("repositories", names, indirect=True)


@golden(*SqliteForm.generations, *(name for name in MongoForm.generations if name != VOICE))
async def test_an_earlier_database_is_used(repositories: Repositories) -> None:
    found = await repositories.identities.find_by_username(Username("ZOË QUÉRÉ"))
    assert found is not None
    assert found == await repositories.identities.load(found.value.id)
    changed: Identity = found.value.revoke_session(found.value.sessions[0].id)
    assert await repositories.identities.replace(changed, found.version)
    assert await repositories.identities.load(changed.id) != found

    verification = await repositories.phone_verifications.load(PHONE)
    assert verification.value.identity_id == changed.id
    assert verification.value.challenges[0].key_id == "pepper-1"
    assert len(await repositories.deleted_identities.list_unpurged(10)) == 1
    later = START + 3 * MINUTE
    assert len(await repositories.deleted_identities.list_with_username(later, 10)) in (1, 2)
    [page_item] = await repositories.media_pages.list_page(
        ItemFilter(changed.id, MediaKind.GIF, "Räder"), 0, 10
    )
    item = page_item.item
    assert await repositories.media_items.find_by_storage_key(item.storage_key) == item
    expired = await repositories.media_cleanup.list_expired_uploads(START + 11 * MINUTE, 10)
    deleting = await repositories.media_cleanup.list_deleting(START + 21 * MINUTE, 10)
    assert (len(expired), len(deleting)) == (1, 1)
    await repositories.health.check()


@golden(LATEST, *(name for name in MongoForm.generations if name != VOICE))
async def test_an_earlier_reservation_counts(repositories: Repositories) -> None:
    ends = []
    for name in ("deliveries:total", "deliveries to US"):
        limit = RateLimit(name, SlidingWindow(1, HOUR))
        reservation = Reservation("another", START + MINUTE, (limit,))
        ends.append(await repositories.rate_limiter.next_available(reservation))

    assert START + HOUR <= max(ends) < START + HOUR + timedelta(milliseconds=1)


@golden(LATEST, VOICE)
async def test_earlier_calls_are_listed_and_earlier_reports_expire(
    repositories: Repositories,
) -> None:
    identity_id = "69f472080000000000000006"
    assert len(await repositories.call_pages.list_after(None, None, 10)) == 7
    assert len(await repositories.call_pages.list_after(identity_id, None, 10)) == 2
    assert len(await repositories.call_cleanup.list_recorded(START + 2 * MINUTE, 10)) == 1
    expired = START + timedelta(days=1)
    assert await repositories.delivery_reports.delete_expired(expired, 10) == 1


async def prune(repositories: Repositories) -> None:
    before = (await repositories.phone_verifications.load(PHONE)).value
    assert await repositories.phone_verifications.prune(START, 10) == 2
    assert (await repositories.phone_verifications.load(PHONE)).value == before.prune(START)


async def test_upgraded_records_in_sqlite_contain_no_client_ip(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async with from_sqlite(request, "sqlite_schema_1") as repositories:
        await prune(repositories)

    content = (tmp_path / "records.db").read_bytes()
    assert [ip for ip in CLIENT_IPS if ip.encode() in content] == []
    with closing(sqlite3.connect(tmp_path / "records.db")) as connection:
        versions = connection.execute("SELECT DISTINCT schema_version FROM phone_verifications")
        assert versions.fetchall() == [(3,)]


async def test_upgraded_records_in_mongo_contain_no_client_ip(
    request: pytest.FixtureRequest, mongo_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=metadata.__name__)
    with MongoClient[dict[str, Any]](mongo_database) as client:
        database = client.get_default_database()
        database["rate_limits"].insert_one({"_id": "deliveries:ip:203.0.113.7 #0"})
        async with from_mongo(request, "mongo_schema_1") as repositories:
            await prune(repositories)
        async with open_mongo_repositories(mongo_database, ENCRYPTION):
            pass

        (migrated,) = [log.msg for log in caplog.records if log.name == metadata.__name__]
        assert migrated == {"event": "database_migrated", "from_schema": 1, "to_schema": 2}
        stored = [[*database[name].find()] for name in database.list_collection_names()]
        assert [ip for ip in CLIENT_IPS if ip in json_util.dumps(stored)] == []
        versions = database["phone_verifications"].distinct("schema_version")
        assert versions == [3]


@pytest.mark.parametrize(
    ("name", "schema_version"), [*zip(SqliteForm.generations, (1, 2, 2, 3, 4, 5), strict=True)]
)
def test_the_migrations_make_the_same_schema(
    tmp_path: Path, name: str, schema_version: int
) -> None:
    def read_schema(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
        return set(connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall())

    path = golden_file(tmp_path, name)
    with (
        closing(sqlite3.connect(path)) as golden,
        closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None)) as new,
    ):
        migrate(new, path, "keys", MIGRATIONS[:schema_version])
        assert read_schema(new) == read_schema(golden)

"""Records as each repository of both databases stores, lists and replaces them."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import bson
import pytest
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.database import Database

from adapters.mongo.documents import DOCUMENTS
from adapters.mongo.media_item_changes import CHANGES_ID
from application.ports.errors import CorruptRecord
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.media.item import ItemState
from domain.media.page import ItemFilter
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from tests.contract.conftest import OpenRepositories, in_sqlite
from tests.contract.mongo_database import contract_database_url, in_mongo
from tests.support.builders import (
    NOW,
    a_deleted_identity,
    a_phone,
    a_phone_verification,
    a_session,
    a_user,
    an_id,
    an_identity,
    an_item,
)
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.full_records import FULL_CALL, FULL_RECORDS, FULL_REPORT, FULL_VERIFICATION

Fields = dict[str, Any]
Loaded = Versioned[Any] | Sequence[Versioned[Any]] | None

ENCRYPTION: Final = FakePhoneEncryption()
RECORDS: Final = {"_id": {"$ne": CHANGES_ID}}
LATER: Final = NOW + timedelta(days=1)


class Stored(Protocol):
    """The database of a test, as a copy of it looks."""

    def read(self, table: str) -> Fields:
        """Return the fields of the only record of a table, with its schema version."""
        ...

    def write(self, table: str, fields: Fields) -> None:
        """Replace the only record of a table."""
        ...


@dataclass(frozen=True, slots=True)
class StoredInSqlite:
    connection: sqlite3.Connection

    def read(self, table: str) -> Fields:
        [(schema_version, body)] = self.connection.execute(
            f"SELECT schema_version, body FROM {table}"  # noqa: S608
        )
        return {"schema_version": schema_version, **json.loads(body)}

    def write(self, table: str, fields: Fields) -> None:
        schema_version = fields.pop("schema_version")
        sql = f"UPDATE {table} SET schema_version = ?, body = ?"  # noqa: S608
        self.connection.execute(sql, (schema_version, json.dumps(fields)))


@dataclass(frozen=True, slots=True)
class StoredInMongo:
    database: Database[Fields]

    def read(self, table: str) -> Fields:
        [document] = self.database[table].find(RECORDS)
        return document

    def write(self, table: str, fields: Fields) -> None:
        self.database[table].replace_one(RECORDS, fields)


@pytest.fixture
def sqlite(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[OpenRepositories, Stored]]:
    with closing(sqlite3.connect(tmp_path / "records.db", isolation_level=None)) as connection:
        yield in_sqlite(request), StoredInSqlite(connection)


@pytest.fixture
def mongo(request: pytest.FixtureRequest) -> Iterator[tuple[OpenRepositories, Stored]]:
    open_repositories = in_mongo(request)
    with MongoClient[Fields](contract_database_url(request)) as client:
        database = client.get_default_database(codec_options=CodecOptions(tz_aware=True))
        yield open_repositories, StoredInMongo(database)


@pytest.fixture(params=["sqlite", "mongo"])
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Repositories, Stored]]:
    open_repositories, stored = request.getfixturevalue(request.param)
    async with open_repositories() as repositories:
        yield repositories, stored


ONLY_SQLITE = pytest.mark.parametrize("opened", ["sqlite"], indirect=True)
ONLY_MONGO = pytest.mark.parametrize("opened", ["mongo"], indirect=True)


async def add(repositories: Repositories, table: str, record: Any) -> None:
    if table == "phone_verifications":
        await repositories.phone_verifications.replace(a_phone(), record, 0)
    else:
        await getattr(repositories, table).add(record)


DELETED: Final = a_deleted_identity(user=a_user())
PENDING: Final = an_item(state=ItemState.PENDING)
DELETING: Final = an_item().mark_for_deletion(NOW)
READS: Final[dict[str, tuple[str, Any, Callable[[Repositories], Awaitable[Any]]]]] = {
    "item by storage key": (
        "media_items",
        an_item(),
        lambda db: db.media_items.find_by_storage_key(an_item().storage_key),
    ),
    "page": ("media_items", an_item(), lambda db: db.media_pages.list_page(ItemFilter(), 0, 9)),
    "call page": ("calls", FULL_CALL, lambda db: db.call_pages.list_after(None, None, 9)),
    "pruned": (
        "phone_verifications",
        FULL_VERIFICATION,
        lambda db: db.phone_verifications.prune(LATER, 9),
    ),
}
LOADS: Final[dict[str, tuple[str, Any, Callable[[Repositories], Awaitable[Loaded]]]]] = {
    "phone": (
        "phone_verifications",
        FULL_VERIFICATION,
        lambda db: db.phone_verifications.load(a_phone()),
    ),
    "identity": ("identities", DELETED, lambda db: db.identities.load(an_id())),
    "username": (
        "identities",
        DELETED,
        lambda db: db.identities.find_by_username(a_user().username),
    ),
    "unpurged": ("identities", DELETED, lambda db: db.deleted_identities.list_unpurged(9)),
    "usernames": (
        "identities",
        DELETED,
        lambda db: db.deleted_identities.list_with_username(NOW, 9),
    ),
    "item": ("media_items", an_item(), lambda db: db.media_items.load(an_id())),
    "owned": ("media_items", an_item(), lambda db: db.media_cleanup.list_owned_by(an_id(), 9)),
    "expired": (
        "media_items",
        PENDING,
        lambda db: db.media_cleanup.list_expired_uploads(LATER, 9),
    ),
    "deleting": ("media_items", DELETING, lambda db: db.media_cleanup.list_deleting(NOW, 9)),
    "refused": (
        "media_items",
        DELETING.mark_deletion_refused(),
        lambda db: db.media_cleanup.list_refused_deletions(9),
    ),
    "call": ("calls", FULL_CALL, lambda db: db.calls.load(an_id())),
    "started": ("calls", FULL_CALL, lambda db: db.call_cleanup.list_started(NOW, 9)),
    "of identity": ("calls", FULL_CALL, lambda db: db.call_cleanup.list_of_identity(an_id(2), 9)),
    "recorded": ("calls", FULL_CALL, lambda db: db.call_cleanup.list_recorded(NOW, 9)),
    "report": (
        "delivery_reports",
        FULL_REPORT,
        lambda db: db.delivery_reports.load(FULL_REPORT.id),
    ),
}
REQUIRED: Final = {
    "phone_verifications": "deliveries",
    "identities": "created_at",
    "media_items": "image",
    "calls": "turns",
    "delivery_reports": "status",
}


async def replace_loaded(repositories: Repositories, table: str, loaded: Loaded) -> None:
    [record] = loaded if isinstance(loaded, Sequence) else [loaded]
    assert record is not None
    arguments = (record.value, record.version)
    if table == "phone_verifications":
        assert await repositories.phone_verifications.replace(a_phone(), *arguments)
    else:
        assert await getattr(repositories, table).replace(*arguments)


@pytest.mark.parametrize("name", LOADS)
async def test_a_replacement_keeps_the_unknown_fields_and_the_schema_version_of_a_newer_version(
    opened: tuple[Repositories, Stored], name: str
) -> None:
    repositories, stored = opened
    table, record, load = LOADS[name]
    await add(repositories, table, record)
    stored.write(table, {**stored.read(table), "unknown": 1, "schema_version": 9})

    await replace_loaded(repositories, table, await load(repositories))

    fields = stored.read(table)
    assert (fields["unknown"], fields["schema_version"]) == (1, 9)


async def test_pruning_keeps_unknown_fields(opened: tuple[Repositories, Stored]) -> None:
    repositories, stored = opened
    await add(repositories, "phone_verifications", FULL_VERIFICATION)
    stored.write("phone_verifications", {**stored.read("phone_verifications"), "unknown": 1})

    assert await repositories.phone_verifications.prune(LATER, 9) == 1

    assert stored.read("phone_verifications")["unknown"] == 1


@pytest.mark.parametrize("name", [*LOADS, *READS])
async def test_every_read_reports_a_damaged_record(
    opened: tuple[Repositories, Stored], name: str
) -> None:
    repositories, stored = opened
    table, record, read = {**LOADS, **READS}[name]
    await add(repositories, table, record)
    stored.write(table, {**stored.read(table), REQUIRED[table]: "a secret"})

    with pytest.raises(CorruptRecord) as raised:
        await read(repositories)

    assert "secret" not in str(raised.value)


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
@ONLY_MONGO
async def test_a_damaged_record_affects_no_other_reader_of_its_batch(
    opened: tuple[Repositories, Stored], changes: Fields
) -> None:
    repositories, stored = opened
    await repositories.identities.add(an_identity())
    stored.write("identities", {**stored.read("identities"), **changes})
    await repositories.identities.add(an_identity(id=an_id(2)))

    damaged, found = await asyncio.gather(
        *map(repositories.identities.load, (an_id(), an_id(2))), return_exceptions=True
    )

    assert isinstance(damaged, CorruptRecord)
    assert found == Versioned(an_identity(id=an_id(2)), 1)


@pytest.mark.parametrize("body", ["'{'", "CAST(X'ff' AS TEXT)", "'[]'"])
@ONLY_SQLITE
async def test_a_body_that_is_no_json_object_is_damaged(
    opened: tuple[Repositories, Stored], tmp_path: Path, body: str
) -> None:
    repositories, _ = opened
    await repositories.identities.add(an_identity())
    with closing(sqlite3.connect(tmp_path / "records.db", isolation_level=None)) as connection:
        connection.execute(f"UPDATE identities SET body = {body}")  # noqa: S608

    with pytest.raises(CorruptRecord, match=r"a record is not a|a column is not UTF-8"):
        await repositories.identities.load(an_id())


async def test_the_ciphertext_of_an_identity_is_kept_while_its_phone_is_the_same(
    opened: tuple[Repositories, Stored],
) -> None:
    repositories, stored = opened
    await repositories.identities.add(an_identity())
    before = stored.read("identities")

    for number in (1, 2):
        loaded = await repositories.identities.load(an_id())
        assert loaded is not None
        changed = loaded.value.add_session(a_session(id=an_id(number)))
        assert await repositories.identities.replace(changed, loaded.version)

    after = stored.read("identities")
    assert len(after["sessions"]) == 2
    assert after["encrypted_phone"] == before["encrypted_phone"]


async def test_the_phone_of_a_blocked_verification_is_encrypted_once(
    opened: tuple[Repositories, Stored],
) -> None:
    repositories, stored = opened
    verifications = repositories.phone_verifications
    await verifications.replace(a_phone(), a_phone_verification().block(NOW), 0)
    first = stored.read("phone_verifications")["encrypted_phone"]
    loaded = await verifications.load(a_phone())
    await verifications.replace(a_phone(), loaded.value.assign_identity(an_id()), loaded.version)
    await verifications.prune(LATER, 10)
    second = stored.read("phone_verifications")["encrypted_phone"]
    loaded = await verifications.load(a_phone())
    await verifications.replace(a_phone(), loaded.value.unblock(), loaded.version)

    assert first == second
    assert stored.read("phone_verifications").get("encrypted_phone") is None


@ONLY_MONGO
async def test_stored_documents_match_the_declared_fields(
    opened: tuple[Repositories, Stored], request: pytest.FixtureRequest
) -> None:
    repositories, _ = opened
    for table, records in FULL_RECORDS.items():
        await add(repositories, table, records[0])
    limit = RateLimit("total", SlidingWindow(3, timedelta(hours=1)))
    await repositories.rate_limiter.acquire(Reservation("1", NOW, (limit,)))
    await repositories.leases.acquire("cleanup", NOW, LATER)
    await repositories.health.check()

    with MongoClient[Fields](contract_database_url(request)) as client:
        database = client.get_default_database(codec_options=CodecOptions(tz_aware=True))
        for document in DOCUMENTS:
            [stored] = database[document.Settings.name].find(RECORDS)
            document.model_validate(stored)
            assert stored.keys() <= {"_id", *document.model_fields}

"""The stored fields of a record, on all databases of this project."""

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database

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
from tests.support.fakes.database import InMemoryDatabase
from tests.support.full_records import (
    FULL_CALL,
    FULL_IDENTITY,
    FULL_KEY,
    FULL_REPORT,
    FULL_USAGE,
    FULL_VERIFICATION,
    MAPPINGS,
)

Fields = dict[str, Any]
LATER: Final = NOW + timedelta(days=1)


class StoredFields(Protocol):
    """What a database has stored."""

    def read(self, table: str) -> Fields:
        """Return the fields of the only record of a table."""
        ...

    def write(self, table: str, fields: Fields) -> None:
        """Replace the fields of the only record of a table."""
        ...


@dataclass(frozen=True, slots=True)
class InMemoryFields:
    database: InMemoryDatabase

    def read(self, table: str) -> Fields:
        [record] = self.database.tables[table].records.values()
        return record.value

    def write(self, table: str, fields: Fields) -> None:
        records = self.database.tables[table].records
        [(key, record)] = records.items()
        records[key] = Versioned(fields, record.version)


@dataclass(frozen=True, slots=True)
class SqliteFields:
    connection: sqlite3.Connection

    def read(self, table: str) -> Fields:
        [(body,)] = self.connection.execute(f"SELECT body FROM {table}")  # noqa: S608
        fields: Fields = json.loads(body)
        return fields

    def write(self, table: str, fields: Fields) -> None:
        self.connection.execute(f"UPDATE {table} SET body = ?", (json.dumps(fields),))  # noqa: S608


@dataclass(frozen=True, slots=True)
class MongoFields:
    database: Database[Fields]

    def read(self, table: str) -> Fields:
        [document] = self._collection(table).find(self._query(table), {"_id": 0, "version": 0})
        return document

    def write(self, table: str, fields: Fields) -> None:
        [document] = self._collection(table).find(self._query(table), {"version": 1})
        self._collection(table).replace_one(self._query(table), {**document, **fields})

    def _collection(self, table: str) -> Collection[Fields]:
        return self.database["rate_limits" if table == "reservations" else table]

    def _query(self, table: str) -> Fields:
        if table not in ("rate_limits", "reservations"):
            return {}
        return {"acquired": {"$exists": table == "reservations"}}


Stored = tuple[OpenRepositories, StoredFields]


@pytest.fixture
def memory() -> Stored:
    database = InMemoryDatabase()
    return database.open_repositories, InMemoryFields(database)


@pytest.fixture
def sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stored]:
    with closing(sqlite3.connect(tmp_path / "records.db", isolation_level=None)) as connection:
        yield in_sqlite(request), SqliteFields(connection)


@pytest.fixture
def mongo(request: pytest.FixtureRequest) -> Iterator[Stored]:
    open_repositories = in_mongo(request)
    with MongoClient[Fields](contract_database_url(request)) as client:
        database = client.get_default_database(codec_options=CodecOptions(tz_aware=True))
        yield open_repositories, MongoFields(database)


@pytest.fixture(params=["memory", "sqlite", "mongo"])
def database(request: pytest.FixtureRequest) -> Stored:
    stored: Stored = request.getfixturevalue(request.param)
    return stored


@pytest.fixture
async def repositories(database: Stored) -> AsyncIterator[Repositories]:
    open_repositories, _ = database
    async with open_repositories() as repositories:
        yield repositories


@pytest.fixture
def stored(database: Stored) -> StoredFields:
    return database[1]


async def add(repositories: Repositories, table: str, record: Any) -> None:
    if table == "phone_verifications":
        await repositories.phone_verifications.replace(a_phone(), record, 0)
    else:
        await getattr(repositories, table).add(record)


async def replace_by(repositories: Repositories, table: str, record: Any) -> None:
    """Replace the only record of a table."""
    if table == "phone_verifications":
        verifications = repositories.phone_verifications
        version = (await verifications.load(a_phone())).version
        assert await verifications.replace(a_phone(), record, version)
    else:
        loaded = await getattr(repositories, table).load(record.id)
        assert await getattr(repositories, table).replace(record, loaded.version)


RECORDS: Final[Mapping[str, Any]] = {
    "phone_verifications": FULL_VERIFICATION,
    "identities": FULL_IDENTITY,
    "media_items": an_item(category="wheels"),
    "calls": FULL_CALL,
    "delivery_reports": FULL_REPORT,
    "media_usages": FULL_USAGE,
    "idempotency_keys": FULL_KEY,
}
LIMIT: Final = RateLimit("limit", SlidingWindow(77, timedelta(hours=1)))
PERMITS: Final = ("rate_limits", "reservations")


async def acquire(repositories: Repositories) -> None:
    """Acquire a permit: one record of a limit, and one of a reservation."""
    assert await repositories.rate_limiter.acquire(Reservation("1", NOW, (LIMIT,))) is None


# What a replacement does


@pytest.mark.parametrize("table", RECORDS)
async def test_fields_that_this_program_does_not_know_stay(
    repositories: Repositories, stored: StoredFields, table: str
) -> None:
    await add(repositories, table, RECORDS[table])
    before = stored.read(table)
    stored.write(table, {**before, "unknown": {"a": [1]}, "another": None})

    await replace_by(repositories, table, RECORDS[table])

    assert stored.read(table) == {**before, "unknown": {"a": [1]}, "another": None}


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("phone_verifications", "failures"),
        ("phone_verifications", "challenges"),
        ("phone_verifications", "shared_attempts"),
        ("identities", "user"),
        ("identities", "sessions"),
        ("media_items", "image"),
        ("calls", "position"),
        ("calls", "turns"),
        ("media_usages", "pending"),  # a map
        ("media_usages", "deleting"),
    ],
)
async def test_an_object_a_map_or_a_list_is_replaced_as_a_whole(
    repositories: Repositories, stored: StoredFields, table: str, name: str
) -> None:
    await add(repositories, table, RECORDS[table])
    before = stored.read(table)
    field = before[name]
    other = {**field, "unknown": 1} if isinstance(field, dict) else [field[-1], *field]
    stored.write(table, {**before, name: other})

    await replace_by(repositories, table, RECORDS[table])

    assert stored.read(table) == before


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("phone_verifications", "identity_id"),
        ("identities", "consent"),
        ("media_items", "category"),
        ("calls", "outcome"),
        ("delivery_reports", "error_code"),
    ],
)
async def test_a_field_that_has_no_value_is_removed(
    repositories: Repositories, stored: StoredFields, table: str, name: str
) -> None:
    await add(repositories, table, RECORDS[table])
    before = stored.read(table)

    await replace_by(repositories, table, replace(RECORDS[table], **{name: None}))

    assert before.keys() - stored.read(table).keys() == {name}


async def test_pruning_keeps_fields_that_this_program_does_not_know(
    repositories: Repositories, stored: StoredFields
) -> None:
    table = "phone_verifications"
    await add(repositories, table, FULL_VERIFICATION)
    stored.write(table, {**stored.read(table), "unknown": 1})

    assert await repositories.phone_verifications.prune(LATER, 9) == 1

    assert stored.read(table)["unknown"] == 1


@pytest.mark.parametrize("table", PERMITS)
async def test_permits_keep_fields_that_this_program_does_not_know(
    repositories: Repositories, stored: StoredFields, table: str
) -> None:
    await acquire(repositories)
    before = stored.read(table)
    stored.write(table, {**before, "unknown": {"a": [1]}})

    await acquire(repositories)

    after = {**stored.read(table)}
    assert after.pop("unknown") == {"a": [1]}
    assert after.keys() == before.keys()
    assert after != before
    await repositories.rate_limiter.release(Reservation("1", NOW, (LIMIT,)))
    if table == "rate_limits":
        assert stored.read(table)["unknown"] == {"a": [1]}


async def test_the_phone_of_an_identity_is_encrypted_once(
    repositories: Repositories, stored: StoredFields
) -> None:
    await repositories.identities.add(an_identity())
    before = stored.read("identities")["encrypted_phone"]

    for number in (1, 2):
        changed = an_identity(sessions=(a_session(id=an_id(number)),))
        await replace_by(repositories, "identities", changed)

    assert stored.read("identities")["encrypted_phone"] == before
    await replace_by(repositories, "identities", an_identity().delete(NOW).purge(NOW))
    assert "encrypted_phone" not in stored.read("identities")


async def test_the_phone_of_a_verification_is_encrypted_once_while_it_is_blocked(
    repositories: Repositories, stored: StoredFields
) -> None:
    table, blocked = "phone_verifications", a_phone_verification().block(NOW)
    await add(repositories, table, a_phone_verification())
    assert "encrypted_phone" not in stored.read(table)
    await replace_by(repositories, table, blocked)
    before = stored.read(table)["encrypted_phone"]

    await replace_by(repositories, table, blocked.change_owner(an_id()))
    assert await repositories.phone_verifications.prune(LATER, 9) == 1

    assert stored.read(table)["encrypted_phone"] == before
    await replace_by(repositories, table, blocked.unblock())
    assert "encrypted_phone" not in stored.read(table)


# What cannot be read

DELETED: Final = a_deleted_identity(user=a_user())
PENDING: Final = an_item(state=ItemState.PENDING)
DELETING: Final = an_item().mark_for_deletion(NOW)
Read = Callable[[Repositories], Awaitable[object]]
READS: Final[Sequence[tuple[str, Any, Sequence[Read]]]] = [
    (
        "phone_verifications",
        FULL_VERIFICATION,
        [
            lambda db: db.phone_verifications.load(a_phone()),
            lambda db: db.phone_verifications.prune(LATER, 9),
        ],
    ),
    (
        "identities",
        DELETED,
        [
            lambda db: db.identities.load(an_id()),
            lambda db: db.identities.find_by_username(a_user().username),
            lambda db: db.identities.list_unpurged(9),
            lambda db: db.identities.list_with_username(NOW, 9),
        ],
    ),
    (
        "media_items",
        an_item(),
        [
            lambda db: db.media_items.load(an_id()),
            lambda db: db.media_items.list_page(ItemFilter(), 0, 9),
            lambda db: db.media_items.list_owned_by(an_id(), 9),
            lambda db: db.media_items.list_by_id("", 9),
            lambda db: db.media_items.list_ready_sizes(an_id()),
        ],
    ),
    ("media_items", PENDING, [lambda db: db.media_items.list_expired_uploads(LATER, 9)]),
    (
        "media_items",
        DELETING.mark_deletion_refused(),
        [
            lambda db: db.media_items.list_deleting(NOW, 9),
            lambda db: db.media_items.list_refused_deletions(9),
        ],
    ),
    (
        "calls",
        FULL_CALL,
        [
            lambda db: db.calls.load(an_id()),
            lambda db: db.calls.list_after(None, None, 9),
            lambda db: db.calls.list_started(NOW, 9),
            lambda db: db.calls.list_of_identity(an_id(2), 9),
            lambda db: db.calls.list_recorded(NOW, 9),
        ],
    ),
    ("delivery_reports", FULL_REPORT, [lambda db: db.delivery_reports.load(FULL_REPORT.id)]),
    (
        "media_usages",
        FULL_USAGE,
        [
            lambda db: db.media_usages.load(FULL_USAGE.id),
            lambda db: db.media_usages.list_due(FULL_USAGE.recount_at or LATER, 9),
        ],
    ),
    ("idempotency_keys", FULL_KEY, [lambda db: db.idempotency_keys.load(FULL_KEY.id)]),
]
REQUIRED: Final = {
    "phone_verifications": "deliveries",
    "identities": "role",
    "media_items": "image",
    "calls": "turns",
    "delivery_reports": "status",
    "media_usages": "items",
    "idempotency_keys": "expires_at",
}


@pytest.mark.parametrize(("table", "record", "reads"), READS)
async def test_a_damaged_record_or_one_of_a_newer_program_is_reported_without_its_values(
    repositories: Repositories,
    stored: StoredFields,
    table: str,
    record: Any,
    reads: Sequence[Read],
) -> None:
    await add(repositories, table, record)
    damaged: Fields = {**stored.read(table), REQUIRED[table]: "a secret"}

    stored.write(table, damaged)
    for read in reads:
        with pytest.raises(CorruptRecord) as raised:
            await read(repositories)
        assert "secret" not in str(raised.value)
        assert "newer" not in str(raised.value)

    # It may have this field in another form.
    stored.write(table, {**damaged, "schema_version": MAPPINGS[table].schema_version + 1})
    for read in reads:
        with pytest.raises(CorruptRecord, match="newer"):
            await read(repositories)


@pytest.mark.parametrize("table", PERMITS)
async def test_permits_have_the_schema_version_of_their_mapping(
    repositories: Repositories, stored: StoredFields, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    await acquire(repositories)
    monkeypatch.setattr(MAPPINGS[table], "schema_version", 2)
    monkeypatch.setattr(MAPPINGS[table], "_upgrades", [lambda fields: fields])

    # One that exists, and a new one. Updates of MongoDB are kept, each for its window.
    for size in (78, 79) if table == "rate_limits" else (80, 81):
        limit = replace(LIMIT, window=SlidingWindow(size, timedelta(hours=1)))
        assert await repositories.rate_limiter.acquire(Reservation("1", LATER, (limit,))) is None

        assert stored.read(table)["schema_version"] == 2
        await repositories.rate_limiter.delete_expired(LATER + timedelta(days=1), 9)


@pytest.mark.parametrize("table", PERMITS)
async def test_permits_of_a_newer_program_keep_their_schema_version(
    repositories: Repositories, stored: StoredFields, table: str
) -> None:
    limiter, reservation = repositories.rate_limiter, Reservation("1", NOW, (LIMIT,))
    await acquire(repositories)
    stored.write(table, {**stored.read(table), "schema_version": 2})

    is_newer = pytest.raises(CorruptRecord, match="newer")
    # A database that adds to the list of a reservation does not read it first.
    with is_newer if table == "rate_limits" else suppress(CorruptRecord):
        await limiter.acquire(reservation)

    with pytest.raises(CorruptRecord, match="newer"):
        await (limiter.next_available if table == "rate_limits" else limiter.release)(reservation)
    assert stored.read(table)["schema_version"] == 2

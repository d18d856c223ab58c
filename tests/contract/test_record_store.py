"""The promises of `RecordStore`, on all databases.

A second instance of the service has a connection of its own to the same database. What another
version of the service stores is written through a `RecordKind` of the same name that has other
fields.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from adapters.records.database import Database
from adapters.records.delivery_reports import DeliveryReportRecord
from adapters.records.identities import IdentityRecord
from adapters.records.kinds import (
    DELIVERY_REPORTS,
    ENCRYPTED_PHONE,
    IDENTITIES,
    ITEM_PAGES,
    KINDS,
    LEASES,
    MEDIA_ITEMS,
    MEDIA_USAGES,
    PHONE_VERIFICATIONS,
    USERNAMES,
)
from adapters.records.leases import LeaseRecord
from adapters.records.media import MediaItemRecord, MediaUsageRecord
from adapters.records.phone_verifications import PhoneVerificationRecord
from adapters.records.record_kind import EXPIRES_AT, Fields, Index, Record, RecordKind
from adapters.records.record_store import Position, RecordStore, StoredRecord
from application.ports.errors import CorruptRecord, UniqueViolation
from tests.contract.conftest import OpenDatabase
from tests.support.builders import NOW
from tests.support.full_records import GOLDEN_RECORDS

MILLISECOND: Final = timedelta(milliseconds=1)
MINUTE: Final = timedelta(minutes=1)
GOLDEN: Final[dict[str, list[Fields]]] = json.loads(GOLDEN_RECORDS.read_bytes())
FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)
IN_ORDER: Final = ["Z", "a", "é", "\uff5e", "𝄞"]
"""Ids in the order of their code points. In UTF-16, the last two have the opposite order."""
ODD_TEXTS: Final = [
    *IN_ORDER,
    "A",
    "a ",
    "E\u0301",
    "e\u0301",
    "É",
    "$set",
    "$where",
    "a.b",
    ".",
    "_id",
    "' OR 1=1 --",
    '"',
    "`",
    "\\",
    "%",
    "?",
    " ",
    "\n",
    "a\0b",
    "\u200b",
    "1",
    "01",
    "1e0",
    "null",
    "{}",
    "x" * 200,
    "x" * 199 + "y",
    "𝄞" * 200,
]


@pytest.fixture
def store(database: Database) -> RecordStore:
    return database.records


@pytest.fixture
def other_store(other_database: Database) -> RecordStore:
    return other_database.records


def a_report(report_id: str = "1", **changes: Any) -> DeliveryReportRecord:
    report = DeliveryReportRecord(id=report_id, status="sent", expires_at=NOW)
    return msgspec.structs.replace(report, **changes)


def an_identity(identity_id: str = "1", **changes: Any) -> IdentityRecord:
    return msgspec.structs.replace(IdentityRecord(id=identity_id, created_at=NOW), **changes)


def a_full_record(kind: RecordKind[Any], record_id: str = "1") -> Record:
    """Return a record of the kind in which each field has a value."""
    record: Record = kind.decode(json.dumps(GOLDEN[kind.name][0]))
    has_id = "id" in record.__struct_fields__
    return msgspec.structs.replace(record, id=record_id) if has_id else record


async def add_reports(store: RecordStore, *report_ids: str) -> None:
    for report_id in report_ids:
        assert await store.add(DELIVERY_REPORTS, report_id, a_report(report_id), 1)


async def load_one(
    store: RecordStore, kind: RecordKind[Any], record_id: str = "1"
) -> StoredRecord[Any] | None:
    return (await store.load(kind, [record_id])).get(record_id)


def ids(found: Sequence[StoredRecord[Any]]) -> list[str]:
    return [stored.id for stored in found]


# Ids.


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_record_of_each_kind_is_loaded_unchanged(
    store: RecordStore, kind: RecordKind[Any]
) -> None:
    record = a_full_record(kind, "an id")
    assert await load_one(store, kind, "an id") is None

    assert await store.add(kind, "an id", record, 7)

    assert await load_one(store, kind, "an id") == StoredRecord("an id", record, 7)


async def test_those_of_many_records_that_exist_are_loaded(store: RecordStore) -> None:
    await add_reports(store, "1", "2", "4999")

    assert (await store.load(DELIVERY_REPORTS, ["2", "0", "2", "1"])).keys() == {"1", "2"}
    many = {str(number) for number in range(3, 5000)}
    assert (await store.load(DELIVERY_REPORTS, many)).keys() == {"4999"}
    assert await store.load(DELIVERY_REPORTS, []) == {}


async def test_an_id_may_be_any_text(store: RecordStore) -> None:
    for version, odd_id in enumerate(ODD_TEXTS, start=1):
        assert await store.add(DELIVERY_REPORTS, odd_id, a_report(odd_id), version)

    for version, odd_id in enumerate(ODD_TEXTS, start=1):
        assert not await store.add(DELIVERY_REPORTS, odd_id, a_report(odd_id), 1)
        assert await store.replace(DELIVERY_REPORTS, odd_id, a_report(odd_id), version)
    loaded = await store.load(DELIVERY_REPORTS, ODD_TEXTS)
    assert loaded == {
        odd_id: StoredRecord(odd_id, a_report(odd_id), version + 1)
        for version, odd_id in enumerate(ODD_TEXTS, start=1)
    }
    assert ids(await store.scan(DELIVERY_REPORTS, "", 100)) == sorted(ODD_TEXTS)
    for version, odd_id in enumerate(ODD_TEXTS, start=1):
        assert await store.delete(DELIVERY_REPORTS, odd_id, version + 1)
    assert await store.load(DELIVERY_REPORTS, ODD_TEXTS) == {}


async def test_no_record_has_an_id_that_cannot_be_encoded(store: RecordStore) -> None:
    await add_reports(store, "1")

    loaded = await asyncio.gather(
        store.load(DELIVERY_REPORTS, ["1"]), store.load(DELIVERY_REPORTS, ["\ud800", "1"])
    )

    assert [one.keys() for one in loaded] == [{"1"}, {"1"}]
    assert not await store.replace(DELIVERY_REPORTS, "\ud800", a_report(), 1)
    assert not await store.delete(DELIVERY_REPORTS, "\ud800", 1)


async def test_a_scan_continues_after_any_id(store: RecordStore) -> None:
    await add_reports(store, *reversed(IN_ORDER))

    for after_id, limit, expected in (
        ("", 2, IN_ORDER[:2]),
        ("Z", 9, IN_ORDER[1:]),
        ("b", 9, IN_ORDER[2:]),
        ("\uff5e", 9, IN_ORDER[4:]),
        ("𝄞", 9, []),
    ):
        assert ids(await store.scan(DELIVERY_REPORTS, after_id, limit)) == expected


# Versions.


async def test_a_record_is_added_once(store: RecordStore) -> None:
    assert await store.add(DELIVERY_REPORTS, "1", a_report(), 2**63 - 1)

    assert not await store.add(DELIVERY_REPORTS, "1", a_report(error_code="another"), 1)
    assert await load_one(store, DELIVERY_REPORTS) == StoredRecord("1", a_report(), 2**63 - 1)


@pytest.mark.parametrize("version", [1, 2**62 + 1])
async def test_a_version_allows_one_replacement_or_deletion(
    store: RecordStore, version: int
) -> None:
    first, second = a_report(), a_report(error_code="another")
    await store.add(DELIVERY_REPORTS, "1", first, version)

    assert await store.replace(DELIVERY_REPORTS, "1", second, version)

    for other in (version, version + 2):
        assert not await store.replace(DELIVERY_REPORTS, "1", first, other)
        assert not await store.delete(DELIVERY_REPORTS, "1", other)
    assert await load_one(store, DELIVERY_REPORTS) == StoredRecord("1", second, version + 1)
    assert await store.delete(DELIVERY_REPORTS, "1", version + 1)
    assert await load_one(store, DELIVERY_REPORTS) is None


async def test_a_missing_record_is_not_changed(store: RecordStore) -> None:
    assert not await store.replace(IDENTITIES, "1", an_identity(), 1)
    assert not await store.overwrite(IDENTITIES, "1", ENCRYPTED_PHONE, b"bytes", 1)
    assert not await store.delete(IDENTITIES, "1", 1)
    assert await load_one(store, IDENTITIES) is None


async def test_a_record_survives_a_restart(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await add_reports(database.records, "1")
        await database.records.replace(DELIVERY_REPORTS, "1", a_report(error_code="30003"), 1)

    async with open_database() as database:
        stored = await load_one(database.records, DELIVERY_REPORTS)
        assert stored == StoredRecord("1", a_report(error_code="30003"), 2)


async def test_a_write_is_visible_to_other_instances_at_once(
    store: RecordStore, other_store: RecordStore
) -> None:
    await add_reports(store, "1")
    for version in range(1, 20):
        changed = a_report(error_code=str(version))
        assert await store.replace(DELIVERY_REPORTS, "1", changed, version)

        stored = StoredRecord("1", changed, version + 1)
        assert await load_one(other_store, DELIVERY_REPORTS) == stored


# Races.


async def test_one_of_forty_parallel_additions_wins(
    store: RecordStore, other_store: RecordStore
) -> None:
    reports = [a_report(error_code=str(number)) for number in range(40)]

    won = await asyncio.gather(
        *(
            (store, other_store)[number % 2].add(DELIVERY_REPORTS, "1", report, number + 1)
            for number, report in enumerate(reports)
        )
    )

    assert won.count(True) == 1
    number = won.index(True)
    stored = StoredRecord("1", reports[number], number + 1)
    assert await load_one(store, DELIVERY_REPORTS) == stored


async def test_one_of_forty_parallel_replacements_wins(
    store: RecordStore, other_store: RecordStore
) -> None:
    reports = [a_report(error_code=str(number)) for number in range(40)]
    await add_reports(store, "1")

    won = await asyncio.gather(
        *(
            (store, other_store)[number % 2].replace(DELIVERY_REPORTS, "1", report, 1)
            for number, report in enumerate(reports)
        )
    )

    assert won.count(True) == 1
    winner = StoredRecord("1", reports[won.index(True)], 2)
    assert await load_one(store, DELIVERY_REPORTS) == winner
    assert await load_one(other_store, DELIVERY_REPORTS) == winner


async def test_one_of_forty_parallel_replacements_and_deletions_wins(
    store: RecordStore, other_store: RecordStore
) -> None:
    await add_reports(store, "1")

    won = await asyncio.gather(
        *(store.replace(DELIVERY_REPORTS, "1", a_report(), 1) for _ in range(20)),
        *(other_store.delete(DELIVERY_REPORTS, "1", 1) for _ in range(20)),
    )

    assert won.count(True) == 1
    was_deleted = won.index(True) >= 20
    assert (await load_one(store, DELIVERY_REPORTS) is None) is was_deleted


async def test_a_cancelled_load_affects_no_other(store: RecordStore) -> None:
    await add_reports(store, *(str(number) for number in range(40)))
    loads = [
        asyncio.create_task(load_one(store, DELIVERY_REPORTS, str(number % 40)))
        for number in range(80)
    ]
    await asyncio.sleep(0)
    for load in loads[::2]:
        load.cancel()

    loaded = await asyncio.gather(*loads, return_exceptions=True)

    assert all(isinstance(stored, StoredRecord) for stored in loaded[1::2])


# Unique values.


def named(identity_id: str, username_key: str = "zoë", **changes: Any) -> IdentityRecord:
    return an_identity(identity_id, username_key=username_key, **changes)


async def test_values_of_a_unique_index_belong_to_one_record(store: RecordStore) -> None:
    assert await store.add(IDENTITIES, "1", named("1"), 1)
    assert await store.add(IDENTITIES, "2", an_identity("2"), 1)

    with pytest.raises(UniqueViolation):
        await store.add(IDENTITIES, "3", named("3"), 1)
    with pytest.raises(UniqueViolation):
        await store.replace(IDENTITIES, "2", named("2"), 1)

    stored = await store.load(IDENTITIES, ["1", "2", "3"])
    assert stored == {
        "1": StoredRecord("1", named("1"), 1),
        "2": StoredRecord("2", an_identity("2"), 1),
    }
    # Its own value, one that differs, and no value at all are no violations.
    assert await store.replace(IDENTITIES, "1", named("1", role="administrator"), 1)
    for number, key in enumerate(["Zoë", "zoe\u0308", "zoe"], start=3):
        assert await store.add(IDENTITIES, str(number), named(str(number), key), 1)
    assert await store.add(IDENTITIES, "6", an_identity("6"), 1)


async def test_a_taken_id_comes_before_a_unique_violation(store: RecordStore) -> None:
    await store.add(IDENTITIES, "1", named("1"), 1)
    await store.add(IDENTITIES, "2", an_identity("2"), 1)

    assert not await store.add(IDENTITIES, "2", named("2"), 1)
    assert not await store.add(IDENTITIES, "1", named("1"), 1)


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_a_value_of_a_unique_index_is_free_when_no_record_has_it(
    store: RecordStore, is_deleted: bool
) -> None:
    await store.add(IDENTITIES, "1", named("1"), 1)
    if is_deleted:
        assert await store.delete(IDENTITIES, "1", 1)
    else:
        assert await store.replace(IDENTITIES, "1", an_identity("1"), 1)

    assert await store.find(IDENTITIES, USERNAMES, ["zoë"], limit=1) == []
    assert await store.add(IDENTITIES, "2", named("2"), 1)


async def test_one_of_forty_parallel_records_gets_a_unique_value(
    store: RecordStore, other_store: RecordStore
) -> None:
    await store.add(IDENTITIES, "0", an_identity("0"), 1)

    results = await asyncio.gather(
        store.replace(IDENTITIES, "0", named("0"), 1),
        *(
            (store, other_store)[number % 2].add(IDENTITIES, str(number), named(str(number)), 1)
            for number in range(1, 40)
        ),
        return_exceptions=True,
    )

    assert results.count(True) == 1
    assert sum(isinstance(result, UniqueViolation) for result in results) == 39
    found = await store.find(IDENTITIES, USERNAMES, ["zoë"], limit=9)
    assert ids(found) == [str(results.index(True))]


# Fields.


class NewerIdentityRecord(IdentityRecord, kw_only=True):
    unknown: dict[str, list[int | None]] = msgspec.field(default_factory=dict)
    another: bytes | None = None


class NewerVerificationRecord(PhoneVerificationRecord, kw_only=True):
    unknown: dict[str, list[int | None]] = msgspec.field(default_factory=dict)
    another: bytes | None = None


class AllNullsRecord(DeliveryReportRecord, kw_only=True):
    """A report in which a missing error code is not None."""

    error_code: str | None = "missing"


NEWER_IDENTITIES: Final = RecordKind(
    IDENTITIES.name, NewerIdentityRecord, *IDENTITIES.indexes, written_once=ENCRYPTED_PHONE
)
NEWER_VERIFICATIONS: Final = RecordKind(
    PHONE_VERIFICATIONS.name,
    NewerVerificationRecord,
    *PHONE_VERIFICATIONS.indexes,
    written_once=ENCRYPTED_PHONE,
)
UNKNOWN: Final[Fields] = {"unknown": {"a.b": [1, None], "$c": []}, "another": b"bytes"}


async def test_unknown_fields_are_ignored_and_kept(
    store: RecordStore, other_store: RecordStore
) -> None:
    newer = NewerIdentityRecord(id="1", created_at=NOW, encrypted_phone=b"a phone", **UNKNOWN)
    await other_store.add(NEWER_IDENTITIES, "1", newer, 1)
    known = an_identity(encrypted_phone=b"a phone")
    assert await load_one(store, IDENTITIES) == StoredRecord("1", known, 1)

    changed: Fields = {"role": "administrator", "username_key": "zoë"}
    known = msgspec.structs.replace(known, **changed)
    assert await store.replace(IDENTITIES, "1", known, 1)
    assert await store.overwrite(IDENTITIES, "1", ENCRYPTED_PHONE, b"b phone", 2)

    expected = msgspec.structs.replace(newer, **changed, encrypted_phone=b"b phone")
    assert await load_one(other_store, NEWER_IDENTITIES) == StoredRecord("1", expected, 3)
    assert ids(await other_store.find(NEWER_IDENTITIES, USERNAMES, ["zoë"], limit=1)) == ["1"]


async def test_a_field_without_a_value_is_removed(
    store: RecordStore, other_store: RecordStore
) -> None:
    reports = RecordKind(DELIVERY_REPORTS.name, AllNullsRecord, *DELIVERY_REPORTS.indexes)
    await store.add(DELIVERY_REPORTS, "1", a_report(error_code="30003"), 1)

    assert await store.replace(DELIVERY_REPORTS, "1", a_report(error_code=None), 1)

    stored = await load_one(other_store, reports)
    assert stored is not None
    assert stored.record.error_code == "missing"


async def test_an_object_a_map_and_a_list_are_replaced_as_a_whole(store: RecordStore) -> None:
    for pending in ({"a.b": 1, "$c": 2}, {"$c": 3}, {}):
        before = await load_one(store, MEDIA_USAGES)
        usage = MediaUsageRecord(id="1", bytes=1, items=1, pending=pending, deleting=tuple(pending))
        if before is None:
            assert await store.add(MEDIA_USAGES, "1", usage, 1)
        else:
            assert await store.replace(MEDIA_USAGES, "1", usage, before.version)

        stored = await load_one(store, MEDIA_USAGES)
        assert stored is not None
        assert stored.record == usage


async def test_times_are_exact_to_the_millisecond(store: RecordStore) -> None:
    times = [
        datetime(1970, 1, 1, tzinfo=UTC),
        NOW + MILLISECOND,
        NOW + 999 * MILLISECOND,
        FAR - MILLISECOND,
    ]
    for number, time in enumerate(times):
        await store.add(LEASES, str(number), LeaseRecord(expires_at=time), 1)

    stored = await store.find(LEASES, LEASES.find_index(EXPIRES_AT), limit=9)

    assert [one.record.expires_at for one in stored] == times
    assert all(one.record.expires_at.utcoffset() == timedelta(0) for one in stored)


@pytest.mark.parametrize("kind", [IDENTITIES, PHONE_VERIFICATIONS], ids=lambda kind: kind.name)
async def test_a_field_that_is_written_once_keeps_its_value_while_it_has_one(
    store: RecordStore, kind: RecordKind[Any]
) -> None:
    async def replace(version: int, encrypted_phone: bytes | None) -> bytes | None:
        record = msgspec.structs.replace(a_full_record(kind), encrypted_phone=encrypted_phone)
        assert await store.replace(kind, "1", record, version)
        stored = await load_one(store, kind)
        assert stored is not None
        phone: bytes | None = stored.record.encrypted_phone
        return phone

    record = msgspec.structs.replace(a_full_record(kind), encrypted_phone=b"first")
    await store.add(kind, "1", record, 1)

    assert await replace(1, b"second") == b"first"
    assert await replace(2, None) is None
    assert await replace(3, b"third") == b"third"
    assert not await store.overwrite(kind, "1", ENCRYPTED_PHONE, b"fourth", 3)
    assert await store.overwrite(kind, "1", ENCRYPTED_PHONE, b"fourth", 4)
    stored = await load_one(store, kind)
    assert stored is not None
    expected = msgspec.structs.replace(record, encrypted_phone=b"fourth")
    assert stored == StoredRecord("1", expected, 5)


# Records that cannot be read.


class OtherReportRecord(Record, kw_only=True):
    """A report whose status has another form."""

    id: str
    status: list[str]
    expires_at: datetime


async def test_a_damaged_record_fails_only_those_who_want_it(
    store: RecordStore, other_store: RecordStore
) -> None:
    damaged = RecordKind(DELIVERY_REPORTS.name, OtherReportRecord, *DELIVERY_REPORTS.indexes)
    report = OtherReportRecord(id="2", status=["a secret"], expires_at=NOW)
    await other_store.add(damaged, "2", report, 1)
    await add_reports(store, "1", "3")

    loaded = await asyncio.gather(
        *(load_one(store, DELIVERY_REPORTS, report_id) for report_id in ("1", "2", "3", "2")),
        return_exceptions=True,
    )

    assert [type(result) for result in loaded] == [StoredRecord, CorruptRecord] * 2
    assert "secret" not in str(loaded[1])
    by_expiry = DELIVERY_REPORTS.find_index(EXPIRES_AT)
    for read in (
        store.load(DELIVERY_REPORTS, ["1", "2"]),
        store.scan(DELIVERY_REPORTS, "1", 1),
        store.find(DELIVERY_REPORTS, by_expiry, limit=3),
    ):
        with pytest.raises(CorruptRecord) as raised:
            await read
        assert "secret" not in str(raised.value)
    assert ids(await store.scan(DELIVERY_REPORTS, "2", 1)) == ["3"]


def rename_status(fields: Fields) -> Fields:
    fields["status"] = [fields["status"]]
    return fields


async def test_a_record_of_an_older_program_is_upgraded_and_one_of_a_newer_program_is_not_read(
    store: RecordStore, other_store: RecordStore
) -> None:
    newer = RecordKind(
        DELIVERY_REPORTS.name,
        OtherReportRecord,
        *DELIVERY_REPORTS.indexes,
        upgrades=[rename_status],
    )
    await add_reports(store, "1")
    upgraded = OtherReportRecord(id="1", status=["sent"], expires_at=NOW, schema_version=2)
    for _ in range(2):
        assert await load_one(other_store, newer) == StoredRecord("1", upgraded, 1)

    assert await other_store.replace(newer, "1", upgraded, 1)

    assert await load_one(other_store, newer) == StoredRecord("1", upgraded, 2)
    with pytest.raises(CorruptRecord, match="newer"):
        await load_one(store, DELIVERY_REPORTS)
    with pytest.raises(CorruptRecord, match="newer"):
        await store.scan(DELIVERY_REPORTS, "", 1)


# Indexes.

IN_INDEX: Final[Fields] = {
    "state": "ready",
    "owner_id": "é",
    "kind": "image",
    "category": "wheels",
    "username_key": "zoë",
    "identity_id": "é",
}
"""The value of each field in the cases below; all others are times."""
NOT_IN_INDEX: Final[Fields] = {
    "state": "pending",
    "owner_id": "É",
    "kind": "gif",
    "category": "Wheels",
    "username_key": "Zoë",
    "identity_id": "e\u0301",
}
INDEXES: Final = [(kind, index) for kind in KINDS for index in kind.indexes]
EACH_INDEX: Final = pytest.mark.parametrize(
    ("kind", "index"), [pytest.param(*case, id=case[1].name) for case in INDEXES]
)
MINUTES: Final = [3, 1, 3, 2, 3, 1]
"""The times of the records in an index; three are equal."""


def a_record_in(kind: RecordKind[Any], index: Index, record_id: str, time: datetime) -> Record:
    record = a_full_record(kind, record_id)
    if "username_key" in record.__struct_fields__:
        record = msgspec.structs.replace(record, username_key=f"name {record_id}")
    wanted: Fields = {name: IN_INDEX.get(name, NOW) for name in index.present}
    wanted |= {name: IN_INDEX[name] for name in index.equal}
    wanted |= dict(index.only) | dict.fromkeys(index.absent)
    if "username_key" not in index.equal:
        wanted.pop("username_key", None)
    if index.order:
        wanted[index.order] = time
    return msgspec.structs.replace(record, **wanted)


def records_not_in(kind: RecordKind[Any], index: Index) -> dict[str, Record]:
    """Return a record for each condition of the index, which meets all others."""
    changes: list[tuple[str, Any]] = [(name, NOT_IN_INDEX[name]) for name in index.equal]
    changes += [(name, None) for name in index.present]
    changes += [(name, NOW) for name in index.absent]
    changes += [(name, "deleting") for name, _ in index.only]
    records = {}
    for name, value in changes:
        record_id = f"{name} {value}"
        record = a_record_in(kind, index, record_id, NOW)
        records[record_id] = msgspec.structs.replace(record, **{name: value})
    return records


async def add_cases(
    store: RecordStore, kind: RecordKind[Any], index: Index
) -> list[tuple[datetime, str]]:
    """Add records in and outside the index; return the positions of those in it, in its order."""
    record_ids = IN_ORDER[:1] if index.is_unique else [*IN_ORDER, "b"]
    positions = []
    for record_id, minutes in zip(record_ids, MINUTES, strict=False):
        time = NOW + minutes * MINUTE
        positions.append((time, record_id))
        assert await store.add(kind, record_id, a_record_in(kind, index, record_id, time), 1)
    for record_id, record in records_not_in(kind, index).items():
        assert await store.add(kind, record_id, record, 1)
    return sorted(positions)


def equal_values(index: Index) -> list[str]:
    return [IN_INDEX[name] for name in index.equal]


@EACH_INDEX
async def test_the_records_of_an_index_are_found_in_its_order(
    store: RecordStore, kind: RecordKind[Any], index: Index
) -> None:
    positions = await add_cases(store, kind, index)
    equal = equal_values(index)

    for newest_first in (False, True):
        expected = sorted(positions, reverse=newest_first)
        found = await store.find(kind, index, equal, newest_first=newest_first, limit=100)

        # Records of one time may be in any order if the index is not paged.
        if index.is_paged:
            assert ids(found) == [record_id for _, record_id in expected]
        assert sorted(ids(found)) == sorted(record_id for _, record_id in positions)
        if index.order:
            times = [getattr(stored.record, index.order) for stored in found]
            assert times == [time for time, _ in expected]
        for offset, limit in ((0, 1), (0, 4), (1, 3), (5, 9), (99, 9)):
            part = await store.find(
                kind, index, equal, newest_first=newest_first, limit=limit, offset=offset
            )
            assert part == list(found)[offset : offset + limit]


@EACH_INDEX
async def test_the_records_of_an_index_are_counted_up_to_a_limit(
    store: RecordStore, kind: RecordKind[Any], index: Index
) -> None:
    total = len(await add_cases(store, kind, index))

    for limit in (1, total, total + 1, 10_001):
        assert await store.count(kind, index, equal_values(index), limit) == min(limit, total)
    assert await store.count(kind, index, [*map(str.upper, equal_values(index))], 9) == (
        0 if index.equal else total
    )


@pytest.mark.parametrize(
    ("kind", "index"),
    [pytest.param(*case, id=case[1].name) for case in INDEXES if case[1].order],
)
async def test_records_are_found_until_a_time(
    store: RecordStore, kind: RecordKind[Any], index: Index
) -> None:
    positions = await add_cases(store, kind, index)
    times = {time for time, _ in positions} | {datetime(1970, 1, 1, tzinfo=UTC), FAR}

    for until in times | {time - MILLISECOND for time in times - {min(times)}}:
        expected = sorted(record_id for time, record_id in positions if time <= until)
        for newest_first in (False, True):
            found = await store.find(
                kind,
                index,
                equal_values(index),
                until=until,
                newest_first=newest_first,
                limit=100,
            )
            assert sorted(ids(found)) == expected


@pytest.mark.parametrize(
    ("kind", "index"),
    [pytest.param(*case, id=case[1].name) for case in INDEXES if case[1].is_paged],
)
async def test_records_are_found_after_a_position_whether_it_has_a_record_or_not(
    store: RecordStore, kind: RecordKind[Any], index: Index
) -> None:
    positions = await add_cases(store, kind, index)
    others = [
        (time, record_id)
        for time in (datetime(1970, 1, 1, tzinfo=UTC), NOW + 3 * MINUTE, FAR)
        for record_id in ("", "Z", "f", "\U0010ffff")
    ]

    for position in [*positions, *others]:
        later = [record_id for time, record_id in positions if (time, record_id) > position]
        earlier = [record_id for time, record_id in positions if (time, record_id) < position]
        for newest_first, expected in ((False, later), (True, earlier[::-1])):
            for limit in (2, 100):
                found = await store.find(
                    kind,
                    index,
                    equal_values(index),
                    after=Position(*position),
                    newest_first=newest_first,
                    limit=limit,
                )
                assert ids(found) == expected[:limit]


async def test_values_of_an_index_may_be_any_text(store: RecordStore) -> None:
    index = ITEM_PAGES["category",]
    texts = ["", *ODD_TEXTS]
    for text in texts:
        item = a_full_record(MEDIA_ITEMS, text or "empty")
        item = msgspec.structs.replace(item, category=text, state="ready")
        assert isinstance(item, MediaItemRecord)
        await store.add(MEDIA_ITEMS, item.id, item, 1)

    for text in texts:
        found = await store.find(MEDIA_ITEMS, index, ["ready", text], limit=9)
        assert ids(found) == [text or "empty"]


async def test_an_index_follows_each_replacement_and_deletion(
    store: RecordStore, other_store: RecordStore
) -> None:
    index = LEASES.find_index(EXPIRES_AT)
    await store.add(LEASES, "1", LeaseRecord(expires_at=NOW), 1)
    assert ids(await other_store.find(LEASES, index, until=NOW, limit=9)) == ["1"]

    await store.replace(LEASES, "1", LeaseRecord(expires_at=NOW + MILLISECOND), 1)
    assert ids(await other_store.find(LEASES, index, until=NOW, limit=9)) == []
    assert ids(await other_store.find(LEASES, index, until=NOW + MILLISECOND, limit=9)) == ["1"]

    await store.delete(LEASES, "1", 2)
    assert ids(await other_store.find(LEASES, index, limit=9)) == []
    assert await other_store.count(LEASES, index, [], 9) == 0


async def test_a_count_that_may_estimate_is_exact_below_its_limit(store: RecordStore) -> None:
    index = ITEM_PAGES[()]
    positions = await add_cases(store, MEDIA_ITEMS, index)

    counted = await store.count(MEDIA_ITEMS, index, ["ready"], 100, may_estimate=True)

    assert counted == len(positions)


# Expiry.

EXPIRING: Final = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.expires], ids=lambda kind: kind.name
)


def a_record_that_expires(
    kind: RecordKind[Any], record_id: str, expires_at: datetime | None
) -> Record:
    record = a_full_record(kind, record_id)
    if "username_key" in record.__struct_fields__:
        record = msgspec.structs.replace(record, username_key=None)
    return msgspec.structs.replace(record, expires_at=expires_at)


@EXPIRING
async def test_a_record_is_deleted_when_it_expires_and_not_before(
    store: RecordStore, kind: RecordKind[Any]
) -> None:
    expiries = {"1": NOW, "2": NOW + MILLISECOND, "3": FAR}
    for record_id, expires_at in expiries.items():
        await store.add(kind, record_id, a_record_that_expires(kind, record_id, expires_at), 1)
    is_optional = "expires_at" in kind.find_index(EXPIRES_AT).present
    if is_optional:
        await store.add(kind, "4", a_record_that_expires(kind, "4", None), 1)

    deleted = [await store.delete_expired(kind, now, 9) for now in (NOW - MILLISECOND, NOW, NOW)]

    assert deleted == [0, 1, 0]
    kept = ["2", "3", "4"] if is_optional else ["2", "3"]
    assert ids(await store.scan(kind, "", 9)) == kept
    # One that expires later now stays.
    later = a_record_that_expires(kind, "2", NOW + MINUTE)
    assert await store.replace(kind, "2", later, 1)
    assert await store.delete_expired(kind, NOW + MILLISECOND, 9) == 0


async def test_no_more_than_the_limit_are_deleted(
    store: RecordStore, other_store: RecordStore
) -> None:
    await add_reports(store, *(str(number) for number in range(9)))

    deleted = [await store.delete_expired(DELIVERY_REPORTS, NOW, 2) for _ in range(2)]
    parallel = await asyncio.gather(
        store.delete_expired(DELIVERY_REPORTS, NOW, 9),
        other_store.delete_expired(DELIVERY_REPORTS, NOW, 9),
    )

    assert deleted == [2, 2]
    assert sum(parallel) == 5
    assert await store.delete_expired(DELIVERY_REPORTS, NOW, 2) == 0


# The change of the index key.


def a_verification(**changes: Any) -> PhoneVerificationRecord:
    verification = PhoneVerificationRecord(blocked_at=NOW, encrypted_phone=b"under the old id")
    return msgspec.structs.replace(verification, **changes)


MOVED: Final = a_verification(encrypted_phone=b"under the new id", identity_id="1")


async def test_a_moved_record_has_its_known_fields_replaced_and_its_unknown_ones_kept(
    store: RecordStore, other_store: RecordStore
) -> None:
    newer = NewerVerificationRecord(
        expires_at=NOW, blocked_at=NOW, encrypted_phone=b"under the old id", **UNKNOWN
    )
    await other_store.add(NEWER_VERIFICATIONS, "old", newer, 7)

    await store.move(PHONE_VERIFICATIONS, "old", "new", MOVED, 7)

    expected = msgspec.structs.replace(
        newer, expires_at=None, encrypted_phone=b"under the new id", identity_id="1"
    )
    loaded = await other_store.load(NEWER_VERIFICATIONS, ["old", "new"])
    assert loaded == {"new": StoredRecord("new", expected, 8)}
    assert await store.delete_expired(PHONE_VERIFICATIONS, FAR, 9) == 0


@pytest.mark.parametrize("is_interrupted", [False, True])
async def test_a_move_can_be_repeated(store: RecordStore, is_interrupted: bool) -> None:
    kind = PHONE_VERIFICATIONS
    await store.add(kind, "old", a_verification(), 7)
    if is_interrupted:
        await store.add(kind, "new", MOVED, 8)  # and it was killed before the deletion
    else:
        await store.move(kind, "old", "new", MOVED, 7)

    await store.move(kind, "old", "new", MOVED, 7)

    loaded = await store.load(kind, ["old", "new"])
    assert loaded == {"new": StoredRecord("new", MOVED, 8)}


async def test_a_moved_record_is_loaded_and_replaced_under_its_new_id(store: RecordStore) -> None:
    await store.add(PHONE_VERIFICATIONS, "old", a_verification(), 1)
    await store.move(PHONE_VERIFICATIONS, "old", "new", MOVED, 1)

    assert await store.replace(PHONE_VERIFICATIONS, "new", MOVED, 2)
    assert not await store.replace(PHONE_VERIFICATIONS, "old", MOVED, 2)
    assert ids(await store.scan(PHONE_VERIFICATIONS, "", 9)) == ["new"]

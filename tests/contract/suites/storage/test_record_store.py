"""The promises of `RecordStore` about single records, on all databases.

`test_record_indexes` has those about indexes and expiry.

A second instance of the service has a connection of its own to the same database. What another
version of the service stores is written through a `RecordKind` of the same name that has other
fields.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.identities import IdentityRecord
from adapters.databases.records.kinds import (
    DELIVERY_REPORTS,
    ENCRYPTED_PHONE,
    IDENTITIES,
    LEASES,
    PHONE_VERIFICATIONS,
    USERNAMES,
    DeliveryReportRecord,
    LeaseRecord,
)
from adapters.databases.records.record_kind import EXPIRES_AT, Fields, Record, RecordKind
from adapters.databases.records.record_store import RecordStore, StoredRecord
from application.ports.errors import CorruptRecord, UniqueViolation
from entrypoints.composition.features import KINDS
from tests.contract.suites.external_adapter import OpenDatabase
from tests.contract.suites.storage.record_examples import (
    FAR,
    IN_ORDER,
    MILLISECOND,
    NOW,
    ODD_TEXTS,
    REMEMBERED,
    a_full_record,
    a_report,
    add_reports,
    an_identity,
    ids,
    load_one,
)

LARGEST_RECORD: Final = 600_000
"""The bytes of a day of statistics with all of its groups, see the port."""
REPLACEMENTS: Final = 50
MISSING: Final = "a record was missing while it was replaced: do not delete and add it"


@pytest.fixture
def store(database: Database) -> RecordStore:
    return database.records


@pytest.fixture
def other_store(other_database: Database) -> RecordStore:
    return other_database.records


# Ids.


async def test_a_record_of_each_kind_is_loaded_unchanged(store: RecordStore) -> None:
    for kind in KINDS:
        record = a_full_record(kind, "an id")
        assert await load_one(store, kind, "an id") is None, kind.name

        assert await store.add(kind, "an id", record, 7), kind.name

        stored = await load_one(store, kind, "an id")
        assert stored == StoredRecord("an id", record, 7), kind.name
    for kind in KINDS:
        if kind.expires:
            deleted = await store.delete_expired(kind, FAR, 9) == 1
        else:
            deleted = await store.delete(kind, "an id", 7)
        assert deleted, f"the record of {kind.name} was deleted with one of another kind"


async def test_those_of_many_records_that_exist_are_loaded(store: RecordStore) -> None:
    await add_reports(store, "1", "2", "4999")

    assert (await store.load(DELIVERY_REPORTS, ["2", "0", "2", "1"])).keys() == {"1", "2"}
    many = {str(number) for number in range(3, 5000)}
    assert (await store.load(DELIVERY_REPORTS, many)).keys() == {"4999"}


async def test_an_id_and_a_field_may_be_any_text(store: RecordStore) -> None:
    for version, odd_id in enumerate(ODD_TEXTS, start=1):
        assert await store.add(DELIVERY_REPORTS, odd_id, a_report(odd_id), version)

    for version, odd_id in enumerate(ODD_TEXTS, start=1):
        changed = a_report(odd_id, error_code=odd_id)
        assert not await store.add(DELIVERY_REPORTS, odd_id, a_report(odd_id), 1)
        assert await store.replace(DELIVERY_REPORTS, odd_id, changed, version)
    loaded = await store.load(DELIVERY_REPORTS, ODD_TEXTS)
    assert loaded == {
        odd_id: StoredRecord(odd_id, a_report(odd_id, error_code=odd_id), version + 1)
        for version, odd_id in enumerate(ODD_TEXTS, start=1)
    }
    scanned = await store.scan(DELIVERY_REPORTS, "", 100)
    assert scanned == [loaded[odd_id] for odd_id in sorted(ODD_TEXTS)]
    for version, odd_id in enumerate(ODD_TEXTS, start=1):
        assert await store.delete(DELIVERY_REPORTS, odd_id, version + 1)
    assert await store.load(DELIVERY_REPORTS, ODD_TEXTS) == {}


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
    assert ids(await store.scan(DELIVERY_REPORTS, "Z", 2, offset=1)) == IN_ORDER[2:4]


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


async def test_a_deleted_record_leaves_nothing_behind(store: RecordStore) -> None:
    first, second = a_report(error_code="first"), a_report()
    await store.add(DELIVERY_REPORTS, "1", first, 7)
    assert await store.delete(DELIVERY_REPORTS, "1", 7)

    assert await store.add(DELIVERY_REPORTS, "1", second, 3)

    assert not await store.replace(DELIVERY_REPORTS, "1", first, 7)
    assert await load_one(store, DELIVERY_REPORTS) == StoredRecord("1", second, 3)
    assert await store.delete_expired(DELIVERY_REPORTS, NOW, 9) == 1
    assert await store.add(DELIVERY_REPORTS, "1", first, 1)


async def test_a_record_survives_a_restart(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await add_reports(database.records, "1")
        await database.records.replace(DELIVERY_REPORTS, "1", a_report(error_code="30003"), 1)

    async with open_database() as database:
        stored = await load_one(database.records, DELIVERY_REPORTS)
        assert stored == StoredRecord("1", a_report(error_code="30003"), 2)


async def find_everywhere(store: RecordStore) -> dict[str, list[StoredRecord[IdentityRecord]]]:
    """Return which identities each method finds, where one of the name zoë is or none."""
    return {
        "load": [*(await store.load(IDENTITIES, ["1"])).values()],
        "find": [*await store.find(IDENTITIES, USERNAMES, ["zoë"], limit=9)],
        "scan": [*await store.scan(IDENTITIES, "", 9)],
    }


async def test_a_write_is_visible_to_other_instances_at_once(
    store: RecordStore, other_store: RecordStore
) -> None:
    async def check(*stored: StoredRecord[IdentityRecord]) -> None:
        for method, found in (await find_everywhere(other_store)).items():
            assert found == [*stored], f"{method}: {REMEMBERED}"

    for version in (1, 30):
        await check()
        assert await store.add(IDENTITIES, "1", named("1"), version)
        await check(StoredRecord("1", named("1"), version))
        for number in range(version, version + 9):
            changed = named("1", claims=str(number))
            assert await store.replace(IDENTITIES, "1", changed, number)
            await check(StoredRecord("1", changed, number + 1))
        assert await store.delete(IDENTITIES, "1", version + 9)


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


async def test_one_of_forty_parallel_replacements_and_deletions_wins(
    store: RecordStore, other_store: RecordStore
) -> None:
    await add_reports(store, "1")

    won = await asyncio.gather(
        *(it.replace(DELIVERY_REPORTS, "1", a_report(), 1) for it in [store, other_store] * 10),
        *(it.delete(DELIVERY_REPORTS, "1", 1) for it in [other_store, store] * 10),
    )

    assert won.count(True) == 1
    was_deleted = won.index(True) >= 20
    assert (await load_one(store, DELIVERY_REPORTS) is None) is was_deleted


async def test_a_record_is_there_all_the_time_while_it_is_replaced(
    store: RecordStore, other_store: RecordStore
) -> None:
    await store.add(IDENTITIES, "1", named("1", encrypted_phone=b"first"), 1)

    async def replace() -> None:
        for version in range(1, 2 * REPLACEMENTS, 2):
            changed = named("1", encrypted_phone=b"first", claims=str(version))
            assert await store.replace(IDENTITIES, "1", changed, version)
            assert await store.overwrite(IDENTITIES, "1", ENCRYPTED_PHONE, b"new", version + 1)

    replacing = asyncio.create_task(replace())
    try:
        while not replacing.done():
            for reader in (store, other_store):
                for method, found in (await find_everywhere(reader)).items():
                    assert ids(found) == ["1"], f"{method}: {MISSING}"
            await asyncio.sleep(0)
    finally:
        await replacing


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
    assert await store.replace(IDENTITIES, "1", named("1", claims="{}"), 1)
    for number, key in enumerate(["Zoë", "zoe\u0308", "zoe"], start=3):
        assert await store.add(IDENTITIES, str(number), named(str(number), key), 1)
    assert await store.add(IDENTITIES, "6", an_identity("6"), 1)


async def test_values_of_a_unique_index_may_be_any_texts(store: RecordStore) -> None:
    longest = IDENTITIES.max_length("username_key")
    for number, text in enumerate(text for text in ODD_TEXTS if len(text) <= longest):
        assert await store.add(IDENTITIES, str(number), named(str(number), text), 1), text


@pytest.mark.parametrize("by", ["deletion", "expiry", "replacement"])
async def test_a_value_of_a_unique_index_is_free_when_no_record_has_it(
    store: RecordStore, by: str
) -> None:
    await store.add(IDENTITIES, "1", named("1", expires_at=NOW), 1)
    if by == "deletion":
        assert await store.delete(IDENTITIES, "1", 1)
    elif by == "expiry":
        assert await store.delete_expired(IDENTITIES, NOW, 9) == 1
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
    staff_role: str | None = "missing"
    unknown: dict[str, list[int | None]] = msgspec.field(default_factory=dict)
    another: bytes | None = None


class ReportWithNumbers(DeliveryReportRecord, kw_only=True):
    """A report with a map and a list."""

    numbers: dict[str, int]
    names: tuple[str, ...] = ()


REPORTS_WITH_NUMBERS: Final = RecordKind(
    DELIVERY_REPORTS.name, ReportWithNumbers, *DELIVERY_REPORTS.indexes
)
NEWER_IDENTITIES: Final = RecordKind(
    IDENTITIES.name, NewerIdentityRecord, *IDENTITIES.indexes, written_once=ENCRYPTED_PHONE
)
UNKNOWN: Final[Fields] = {"unknown": {"a.b": [1, None], "$c": []}, "another": b"bytes"}


async def test_unknown_fields_are_ignored_and_kept(
    store: RecordStore, other_store: RecordStore
) -> None:
    newer = NewerIdentityRecord(
        id="1",
        created_at=NOW,
        sessions=(),
        staff_role="support",
        encrypted_phone=b"a",
        **UNKNOWN,
    )
    await other_store.add(NEWER_IDENTITIES, "1", newer, 1)
    known = an_identity(staff_role="support", encrypted_phone=b"a")
    assert await load_one(store, IDENTITIES) == StoredRecord("1", known, 1)

    # A field without a value is removed.
    known = msgspec.structs.replace(known, staff_role=None, username_key="zoë")
    assert await store.replace(IDENTITIES, "1", known, 1)
    assert await store.overwrite(IDENTITIES, "1", ENCRYPTED_PHONE, b"b", 2)

    changed: Fields = {
        "staff_role": "missing",
        "username_key": "zoë",
        "encrypted_phone": b"b",
    }
    expected = msgspec.structs.replace(newer, **changed)
    assert await load_one(other_store, NEWER_IDENTITIES) == StoredRecord("1", expected, 3)
    assert ids(await other_store.find(NEWER_IDENTITIES, USERNAMES, ["zoë"], limit=1)) == ["1"]


async def test_objects_maps_and_lists_are_replaced_as_a_whole_up_to_the_largest_record(
    store: RecordStore,
) -> None:
    largest = {f"{number:032x}": number for number in range(15_000)}
    for version, numbers in enumerate(({"a.b": 1, "$c": 2}, {"$c": 3}, {}, largest, largest)):
        report = ReportWithNumbers(
            id="1", status="sent", expires_at=NOW, numbers=numbers, names=tuple(numbers)[:3]
        )
        report.error_code = "éü"[version % 2] * 10_000 if numbers is largest else None
        if version:
            assert await store.replace(REPORTS_WITH_NUMBERS, "1", report, version)
        else:
            assert await store.add(REPORTS_WITH_NUMBERS, "1", report, 1)

        stored = await load_one(store, REPORTS_WITH_NUMBERS)
        assert stored == StoredRecord("1", report, version + 1)
        assert numbers is not largest or len(msgspec.json.encode(report)) > LARGEST_RECORD


async def test_times_are_exact_to_the_millisecond(store: RecordStore) -> None:
    times = [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 8, 2, 30, tzinfo=UTC),  # no local time has this hour, see `WEST`
        NOW + MILLISECOND,
        NOW + 999 * MILLISECOND,
        *(datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (10, 11)),  # the same local time
        FAR - MILLISECOND,
    ]
    for number, time in enumerate(times):
        await store.add(LEASES, str(number), LeaseRecord(expires_at=time), 1)

    found = await store.find(LEASES, LEASES.find_index(EXPIRES_AT), limit=9)
    loaded = await store.load(LEASES, ids(found))

    assert [lease.record.expires_at for lease in found] == times
    for lease in (*found, *loaded.values()):
        assert lease.record.expires_at.utcoffset() == timedelta(0)


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

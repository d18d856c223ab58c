"""The promises of `RecordStore` about indexes and expiry, on all databases."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal, get_args, get_origin

import msgspec
import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import (
    AUDIT_ENTRIES,
    DELIVERY_REPORTS,
    ENTRIES_BY_SUBJECT,
    LEASES,
    AuditEntryRecord,
    LeaseRecord,
)
from adapters.databases.records.record_kind import (
    EXPIRES_AT,
    MAX_ID_LENGTH,
    Fields,
    Index,
    Record,
    RecordKind,
)
from adapters.databases.records.record_store import IndexPosition, RecordStore
from entrypoints.composition.features import KINDS
from tests.contract.suites.storage.record_examples import (
    FAR,
    IN_ORDER,
    MILLISECOND,
    MINUTE,
    NOW,
    ODD_TEXTS,
    a_full_record,
    a_report,
    add_reports,
    ids,
)


@pytest.fixture
def store(database: Database) -> RecordStore:
    return database.records


@pytest.fixture
def other_store(other_database: Database) -> RecordStore:
    return other_database.records


# Indexes.

INDEXES: Final = [(kind, index) for kind in KINDS for index in kind.indexes]


def shape_of(index: Index) -> tuple[object, ...]:
    """Return what a search by an index depends on, beside the names of its fields."""
    fields = (index.equal, index.present, index.absent, index.only)
    return (*map(len, fields), index.is_unique, bool(index.order), index.is_paged)


FIRST_OF_SHAPES: Final = [
    *{shape_of(index): (kind, index) for kind, index in reversed(INDEXES)}.values()
]
"""The first index of each shape. The many limits, positions and times are looked for in these."""
SIMILAR_TEXTS: Final = ("zoë", "Zoë", "zoe\u0308", "zoe")
MANY: Final = 1_003
"""Some servers return a thousand records at once, and then the next."""
MINUTES: Final = [3, 1, 3, 2, 3, 1]
"""The times of the records in an index; three are equal."""


def text_fields(kind: RecordKind[Any]) -> dict[str, Sequence[str]]:
    """Return values of each text in an index: of the records in it, and of others."""
    types = {field.name: field.type for field in msgspec.structs.fields(kind.record_type)}
    return {
        name: get_args(types[name]) if get_origin(types[name]) is Literal else SIMILAR_TEXTS
        for index in kind.indexes
        for name in index.equal
    }


def unique_fields(kind: RecordKind[Any]) -> set[str]:
    """Return the fields whose values differ from record to record."""
    return {name for index in kind.indexes if index.is_unique for name in index.equal}


def a_record_in(kind: RecordKind[Any], index: Index, record_id: str, time: datetime) -> Record:
    record = a_full_record(kind, record_id)
    texts = text_fields(kind)
    wanted: Fields = {name: texts[name][0] for name in index.present if name in texts}
    wanted |= {name: texts[name][0] for name in index.equal}
    wanted |= dict(index.only) | dict.fromkeys(index.absent)
    for name in unique_fields(kind) - {*index.equal}:
        wanted.pop(name, None)
    if index.order:
        wanted[index.order] = time
    return msgspec.structs.replace(record, **wanted)


def records_not_in(kind: RecordKind[Any], index: Index) -> dict[str, Record]:
    """Return a record for each condition of the index, which meets all others."""
    texts = text_fields(kind)
    changes: list[tuple[str, Any]] = [
        (name, text) for name in index.equal for text in texts[name][1:]
    ]
    changes += [(name, None) for name in index.present]
    changes += [(name, NOW) for name in index.absent]
    types = {field.name: field.type for field in msgspec.structs.fields(kind.record_type)}
    changes += [
        (name, next(other for other in get_args(types[name]) if other != value))
        for name, value in index.only
    ]
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
    positions = [
        (NOW + minutes * MINUTE, record_id)
        for record_id, minutes in zip(record_ids, MINUTES, strict=False)
    ]
    records = [(each, a_record_in(kind, index, each, time), 7) for time, each in positions]
    records += [(each, record, 1) for each, record in records_not_in(kind, index).items()]
    added = await asyncio.gather(*(store.add(kind, *record) for record in records))
    assert all(added), f"add of a new record of {kind.name} returned False"
    return sorted(positions)


def equal_values(kind: RecordKind[Any], index: Index) -> list[str]:
    texts = text_fields(kind)
    return [texts[name][0] for name in index.equal]


Positions = Sequence[tuple[datetime, str]]
"""The time and id of each record in an index, in its order."""


async def test_the_records_of_an_index_of_each_shape_are_found_and_counted(
    store: RecordStore,
) -> None:
    for kind, index in FIRST_OF_SHAPES:
        positions = await add_cases(store, kind, index)

        await check_that_they_are_found_in_order(store, kind, index, positions)
        await check_that_they_are_counted_up_to_a_limit(store, kind, index, positions)
        if index.order:
            await check_that_they_are_found_until_a_time(store, kind, index, positions)
        if index.is_paged:
            await check_that_they_are_found_after_a_position(store, kind, index, positions)

        stored = await store.scan(kind, "", 100)
        await asyncio.gather(*(store.delete(kind, each.id, each.version) for each in stored))


async def check_that_they_are_found_in_order(
    store: RecordStore, kind: RecordKind[Any], index: Index, positions: Positions
) -> None:
    equal, words = equal_values(kind, index), f"find in the order of {index.name}"
    for newest_first in (False, True):
        expected = sorted(positions, reverse=newest_first)
        found = await store.find(kind, index, equal, newest_first=newest_first, limit=100)

        # Records of one time may be in any order if the index is not paged.
        if index.is_paged:
            assert ids(found) == [record_id for _, record_id in expected], words
        assert sorted(ids(found)) == sorted(name for _, name in positions), words
        assert {stored.id: stored for stored in found} == await store.load(kind, ids(found)), words
        if index.order:
            times = [getattr(stored.record, index.order) for stored in found]
            assert times == [time for time, _ in expected], words
        for offset, limit in ((1, 3), (99, 9)):
            part = await store.find(
                kind, index, equal, newest_first=newest_first, limit=limit, offset=offset
            )
            expected_part = list(found)[offset : offset + limit]
            if index.order:
                assert part == expected_part, words
            # Without an order, each search may have another one.
            assert len(part) == len(expected_part), words


async def check_that_they_are_counted_up_to_a_limit(
    store: RecordStore, kind: RecordKind[Any], index: Index, positions: Positions
) -> None:
    equal, total = equal_values(kind, index), len(positions)
    for limit in (1, total, 10_001):
        counted = await store.count(kind, index, equal, limit)
        assert counted == min(limit, total), f"count of {index.name}"
    # The kind has fewer than twice the limit, so it is counted exactly.
    counted = await store.count(kind, index, equal, 10_001, may_estimate=True)
    assert counted == total, f"count of {index.name} that may estimate"
    of_others = await store.count(kind, index, [*map(str.upper, equal)], 9)
    assert of_others == (0 if index.equal else total), f"count of {index.name}"


async def check_that_they_are_found_until_a_time(
    store: RecordStore, kind: RecordKind[Any], index: Index, positions: Positions
) -> None:
    """Look for those until the latest time and just before it, in both directions."""
    equal = equal_values(kind, index)
    latest, _ = positions[-1]
    for until in (latest, latest - MILLISECOND, datetime(1970, 1, 1, tzinfo=UTC)):
        expected = sorted(record_id for time, record_id in positions if time <= until)
        for newest_first in (False, True):
            found = await store.find(
                kind, index, equal, until=until, newest_first=newest_first, limit=100
            )
            assert sorted(ids(found)) == expected, f"find until a time in {index.name}"
        part = await store.find(kind, index, equal, until=until, limit=2, offset=1)
        assert len(part) == len(expected[1:3]), f"find until a time in {index.name}"


async def check_that_they_are_found_after_a_position(
    store: RecordStore, kind: RecordKind[Any], index: Index, positions: Positions
) -> None:
    """Look for those after each position, whether it has a record or not."""
    others = [
        (datetime(1970, 1, 1, tzinfo=UTC), ""),
        (NOW + 3 * MINUTE, "f"),
        (FAR, "\U0010ffff"),
    ]
    for number, position in enumerate([*positions, *others]):
        later = [record_id for time, record_id in positions if (time, record_id) > position]
        earlier = [record_id for time, record_id in positions if (time, record_id) < position]
        limit = (2, 100)[number % 2]
        for newest_first, expected in ((False, later), (True, earlier[::-1])):
            find = partial(
                store.find,
                kind,
                index,
                equal_values(kind, index),
                after=IndexPosition(*position),
                newest_first=newest_first,
                limit=limit,
            )
            until = NOW + 2 * MINUTE
            of_all, found = await asyncio.gather(find(), find(until=until))
            assert ids(of_all) == expected[:limit], f"find after a position in {index.name}"
            times = {record_id: time for time, record_id in positions}
            expected_until = [record_id for record_id in expected if times[record_id] <= until]
            assert ids(found) == expected_until[:limit], f"find after a position in {index.name}"


async def test_values_of_an_index_may_be_any_text(store: RecordStore) -> None:
    texts = ["", *ODD_TEXTS]
    for text in texts:
        entry = a_full_record(AUDIT_ENTRIES, text or "empty")
        assert isinstance(entry, AuditEntryRecord)
        entry.subject = text
        await store.add(AUDIT_ENTRIES, entry.id, entry, 1)

    for text in texts:
        found = await store.find(AUDIT_ENTRIES, ENTRIES_BY_SUBJECT, [text], limit=9)
        assert ids(found) == [text or "empty"]
    too_long = "𝄞" * 2_000
    assert await store.find(AUDIT_ENTRIES, ENTRIES_BY_SUBJECT, [too_long], limit=9) == [], (
        "a search for a text that is longer than any stored one finds nothing"
    )


async def test_the_longest_values_of_each_index_and_the_longest_ids_are_stored_and_found(
    store: RecordStore,
) -> None:
    for kind, index in INDEXES:
        texts = text_fields(kind)
        longest = {
            name: max(texts[name], key=len)
            if texts[name] is not SIMILAR_TEXTS
            else "𝄞" * kind.max_length(name)
            for name in index.equal
        }
        record_id = "𝄞" * MAX_ID_LENGTH
        record = a_record_in(kind, index, record_id, NOW)
        assert await store.add(kind, record_id, msgspec.structs.replace(record, **longest), 1), (
            f"{kind.name} has no record with the longest values of {index.name}: "
            f"{MAX_ID_LENGTH} characters of the id and "
            f"{ {name: kind.max_length(name) for name in index.equal} }"
        )
        found = await store.find(kind, index, [*longest.values()], limit=9)
        assert ids(found) == [record_id], index.name
        assert await store.delete(kind, record_id, 1)


async def test_a_record_enters_and_leaves_each_index_when_it_is_replaced(
    store: RecordStore,
) -> None:
    for kind, index in INDEXES:
        equal = equal_values(kind, index)
        inside, version = a_record_in(kind, index, "1", NOW), 1
        assert await store.add(kind, "1", inside, version), kind.name
        for condition, other in records_not_in(kind, index).items():
            changes = {"id": "1"} if hasattr(other, "id") else {}
            outside = msgspec.structs.replace(other, **changes)
            assert await store.replace(kind, "1", outside, version), index.name
            found = await store.find(kind, index, equal, limit=9)
            words = f"find after a replacement that changed {condition}, in {index.name}"
            assert ids(found) == [], words
            assert await store.replace(kind, "1", inside, version + 1), index.name
            version += 2
        found = await store.find(kind, index, equal, limit=9)
        assert ids(found) == ["1"], f"find after a replacement, in {index.name}"
        assert await store.delete(kind, "1", version), kind.name


async def test_more_than_a_thousand_records_are_loaded_scanned_found_and_counted(
    store: RecordStore,
) -> None:
    names, by_expiry = [f"{number:04}" for number in range(MANY)], LEASES.find_index(EXPIRES_AT)
    for begin in range(0, MANY, 100):
        batch = names[begin : begin + 100]
        await asyncio.gather(
            *(store.add(LEASES, name, LeaseRecord(expires_at=NOW), 1) for name in batch)
        )

    for method, count in (
        ("load", len(await store.load(LEASES, names))),
        ("scan", len(await store.scan(LEASES, "", 2 * MANY))),
        ("find", len(await store.find(LEASES, by_expiry, limit=2 * MANY))),
        ("count", await store.count(LEASES, by_expiry, [], 10_001)),
    ):
        assert count == MANY, f"{method} stops at {count} records: read all parts of an answer"


# Expiry.

EXPIRING: Final = [kind for kind in KINDS if kind.expires]


def a_record_that_expires(
    kind: RecordKind[Any], record_id: str, expires_at: datetime | None
) -> Record:
    return msgspec.structs.replace(a_full_record(kind, record_id), expires_at=expires_at)


async def test_a_record_is_deleted_when_it_expires_and_not_before(store: RecordStore) -> None:
    expiries = {"1": NOW, "2": NOW + MILLISECOND, "3": FAR}
    for kind in EXPIRING:
        for record_id, expires_at in expiries.items():
            await store.add(kind, record_id, a_record_that_expires(kind, record_id, expires_at), 1)
        is_optional = "expires_at" in kind.find_index(EXPIRES_AT).present
        if is_optional:
            await store.add(kind, "4", a_record_that_expires(kind, "4", None), 1)

        deleted = [
            await store.delete_expired(kind, now, 9) for now in (NOW - MILLISECOND, NOW, NOW)
        ]

        assert deleted == [0, 1, 0], (
            f"what delete_expired of {kind.name} deletes before and at the time"
        )
        kept = ["2", "3", "4"] if is_optional else ["2", "3"]
        assert ids(await store.scan(kind, "", 9)) == kept, kind.name
        # One that expires later now stays.
        later = a_record_that_expires(kind, "2", NOW + MINUTE)
        assert await store.replace(kind, "2", later, 1), kind.name
        assert await store.delete_expired(kind, NOW + MILLISECOND, 9) == 0, kind.name


async def test_a_record_whose_expiry_is_moved_meanwhile_stays(
    store: RecordStore, other_store: RecordStore
) -> None:
    async def move(names: list[str]) -> list[bool]:
        moved = (a_report(name, expires_at=FAR) for name in names)
        moving = (other_store.replace(DELIVERY_REPORTS, it.id, it, 1) for it in moved)
        return await asyncio.gather(*moving)

    # The deletion comes before all moves, between them and after them.
    for moved_before in (0, 20, 40):
        names = [f"{moved_before} {number}" for number in range(40)]
        await add_reports(store, *names)
        first, deleted, others = await asyncio.gather(
            move(names[:moved_before]),
            store.delete_expired(DELIVERY_REPORTS, NOW, 100),
            move(names[moved_before:]),
        )

        kept = {name for name, is_moved in zip(names, first + others, strict=True) if is_moved}
        assert {*await store.load(DELIVERY_REPORTS, names)} == kept, (
            "delete_expired deleted a record whose expires_at was moved meanwhile: the deletion "
            "itself has to compare the time or the version"
        )
        assert deleted == len(names) - len(kept)


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

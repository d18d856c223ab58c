"""The promises of `RecordStore` about writes that arrive at the same moment.

A store may write them together. Each has the result that it would have alone.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
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
    DeliveryReportRecord,
    LeaseRecord,
)
from adapters.databases.records.record_kind import RecordKind
from adapters.databases.records.record_store import (
    RecordStore,
    Replacement,
    replace_all,
)
from application.ports.errors import UniqueViolation
from tests.contract.suites.storage.record_examples import (
    FAR,
    NOW,
    a_report,
    add_reports,
    an_identity,
    load_one,
)

Write = Callable[[], Awaitable[bool]]
TAKEN: Final = "taken"


class IdentityWithUnknownField(IdentityRecord, kw_only=True):
    unknown: str | None = None


class ReportOfAnyNumbers(DeliveryReportRecord, kw_only=True):
    numbers: dict[str, int] = msgspec.field(default_factory=dict)


IDENTITIES_WITH_UNKNOWN_FIELD: Final = RecordKind(
    IDENTITIES.name, IdentityWithUnknownField, *IDENTITIES.indexes, written_once=ENCRYPTED_PHONE
)
REPORTS_WITH_NUMBERS: Final = RecordKind(
    DELIVERY_REPORTS.name, ReportOfAnyNumbers, *DELIVERY_REPORTS.indexes
)


@pytest.fixture
def store(database: Database) -> RecordStore:
    return database.records


@pytest.fixture
def other_store(other_database: Database) -> RecordStore:
    return other_database.records


async def outcomes_of(*writes: Write) -> list[object]:
    """Return what each write returned, or `UniqueViolation`, or another error that it raised."""
    results = await asyncio.gather(*(write() for write in writes), return_exceptions=True)
    return [
        UniqueViolation if isinstance(result, UniqueViolation) else result for result in results
    ]


async def load_all(store: RecordStore, *record_ids: str) -> dict[str, tuple[IdentityRecord, int]]:
    """Return the identities and their versions."""
    loaded = await store.load(IDENTITIES, record_ids)
    return {stored.id: (stored.record, stored.version) for stored in loaded.values()}


async def test_each_addition_has_its_own_result(store: RecordStore) -> None:
    taken = an_identity(TAKEN, username_key=TAKEN, external_id=TAKEN)
    assert await store.add(IDENTITIES, TAKEN, taken, 1)
    new, named = an_identity("new"), an_identity("named", username_key="free", external_id="free")

    def add(record: IdentityRecord) -> Write:
        return partial(store.add, IDENTITIES, record.id, record, 7)

    outcomes = await outcomes_of(
        add(new),
        add(an_identity(TAKEN)),
        add(an_identity("by name", username_key=TAKEN, external_id="another")),
        add(named),
        add(an_identity("by id", username_key="another", external_id=TAKEN)),
        add(an_identity(TAKEN, username_key=TAKEN)),
    )

    assert outcomes == [True, False, UniqueViolation, True, UniqueViolation, False]
    assert await load_all(store, TAKEN, "new", "named", "by name", "by id") == {
        TAKEN: (taken, 1),
        "new": (new, 7),
        "named": (named, 7),
    }
    free = an_identity("by name", username_key="another", external_id="another")
    assert await store.add(IDENTITIES, "by name", free, 1), "a rejected one took a value"


async def test_one_of_two_additions_with_the_same_id_or_unique_value_wins(
    store: RecordStore,
) -> None:
    records = [
        an_identity("1", username_key="a"),
        an_identity("2", external_id="b"),
        an_identity("1", username_key="c"),
        an_identity("3", external_id="b"),
        an_identity("4"),
    ]

    same_id, same_value, other_id, other_value, last = await outcomes_of(
        *(partial(store.add, IDENTITIES, record.id, record, 1) for record in records)
    )

    assert {same_id, other_id} == {True, False}
    assert {same_value, other_value} == {True, UniqueViolation}
    assert last is True
    winners = [records[0 if same_id else 2], records[1 if same_value is True else 3], records[4]]
    expected = {record.id: (record, 1) for record in winners}
    assert await load_all(store, "1", "2", "3", "4") == expected


PHONES: Final = [None, b"a phone"]
"""A record with the field that is written once may need another statement."""


@pytest.mark.parametrize("phone", PHONES, ids=["without_phone", "with_phone"])
async def test_each_replacement_has_its_own_result(store: RecordStore, phone: bytes | None) -> None:
    names = ["1", "2", "lost", "deleted", "by name", "by id", "overwritten", "assigned"]
    for name in names:
        await store.add(IDENTITIES, name, an_identity(name, encrypted_phone=b"first"), 1)
    taken = an_identity(TAKEN, username_key=TAKEN, external_id=TAKEN)
    await store.add(IDENTITIES, TAKEN, taken, 1)
    assert await store.delete(IDENTITIES, "deleted", 1)

    def replace(name: str, version: int = 1, **changes: Any) -> Write:
        record = an_identity(name, encrypted_phone=phone, staff_role="support", **changes)
        return partial(store.replace, IDENTITIES, name, record, version)

    outcomes = await outcomes_of(
        replace("1"),
        replace("lost", 2),
        replace("deleted"),
        replace("missing"),
        replace("by name", username_key=TAKEN, external_id="another"),
        replace("2", username_key="free"),
        replace("by id", username_key="another", external_id=TAKEN),
        partial(store.overwrite, IDENTITIES, "overwritten", ENCRYPTED_PHONE, b"new", 1),
        partial(store.overwrite, IDENTITIES, "lost", ENCRYPTED_PHONE, b"new", 2),
        partial(
            store.replace,
            IDENTITIES,
            "assigned",
            an_identity("assigned", encrypted_phone=b"new"),
            1,
            also_written_once=True,
        ),
    )

    assert outcomes == [
        *(True, False, False, False, UniqueViolation, True, UniqueViolation),
        *(True, False, True),
    ]
    kept = b"first" if phone else None
    unchanged = {
        name: (an_identity(name, encrypted_phone=b"first"), 1)
        for name in ("lost", "by name", "by id")
    }
    expected = {
        **unchanged,
        TAKEN: (taken, 1),
        "1": (an_identity("1", encrypted_phone=kept, staff_role="support"), 2),
        "2": (an_identity("2", encrypted_phone=kept, staff_role="support", username_key="free"), 2),
        "overwritten": (an_identity("overwritten", encrypted_phone=b"new"), 2),
        "assigned": (an_identity("assigned", encrypted_phone=b"new"), 2),
    }
    assert await load_all(store, *names, "missing", TAKEN) == expected


@pytest.mark.parametrize("phone", PHONES, ids=["without_phone", "with_phone"])
async def test_of_replacements_of_one_version_one_wins_and_the_others_of_the_moment_are_done(
    store: RecordStore, phone: bytes | None
) -> None:
    for name in "abc":
        await store.add(IDENTITIES, name, an_identity(name), 1)
    roles = ["support", "moderator", "auditor"]

    outcomes = await outcomes_of(
        *(
            partial(
                store.replace,
                IDENTITIES,
                name,
                an_identity(name, staff_role=role, encrypted_phone=phone),
                1,
            )
            for name, role in [("a", "support"), *(("b", role) for role in roles), ("c", "support")]
        )
    )

    assert (outcomes[0], outcomes[1:4].count(True), outcomes[4]) == (True, 1, True)
    winner = roles[outcomes[1:4].index(True)]
    loaded = await load_all(store, *"abc")
    assert {name: (record.staff_role, version) for name, (record, version) in loaded.items()} == {
        "a": ("support", 2),
        "b": (winner, 2),
        "c": ("support", 2),
    }


@pytest.mark.parametrize("phone", PHONES, ids=["without_phone", "with_phone"])
async def test_unknown_fields_are_kept_and_fields_without_a_value_removed(
    store: RecordStore, phone: bytes | None
) -> None:
    names = [str(number) for number in range(5)]
    for name in names:
        newer = IdentityWithUnknownField(
            id=name,
            created_at=NOW,
            sessions=(),
            username_key=f"name {name}",
            encrypted_phone=b"first",
            unknown=name,
        )
        await store.add(IDENTITIES_WITH_UNKNOWN_FIELD, name, newer, 1)

    outcomes = await outcomes_of(
        *(
            partial(store.replace, IDENTITIES, name, an_identity(name, encrypted_phone=phone), 1)
            for name in names
        )
    )

    assert outcomes == [True] * 5
    for name in names:
        stored = await load_one(store, IDENTITIES_WITH_UNKNOWN_FIELD, name)
        assert stored is not None
        assert (stored.record.unknown, stored.record.username_key) == (name, None)
        assert (stored.record.encrypted_phone, stored.version) == (b"first" if phone else None, 2)


RARE_TEXT: Final = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9000), k=5_000)))
BAD_REPORTS: Final = {
    "a text without an encoding": ReportOfAnyNumbers(
        id="bad", status="sent", expires_at=NOW, error_code="\ud800"
    ),
    "a number of more than 64 bits": ReportOfAnyNumbers(
        id="bad", status="sent", expires_at=NOW, numbers={"1": 2**70}
    ),
    "17 MB": ReportOfAnyNumbers(
        id="bad", status="sent", expires_at=NOW, error_code="x" * 17_000_000
    ),
}


@pytest.mark.parametrize("reason", BAD_REPORTS)
async def test_a_record_that_the_database_cannot_store_affects_no_other(
    store: RecordStore, reason: str
) -> None:
    kind, bad = REPORTS_WITH_NUMBERS, BAD_REPORTS[reason]

    def report(name: str) -> ReportOfAnyNumbers:
        return (
            bad
            if name == "bad"
            else msgspec.structs.replace(BAD_REPORTS["17 MB"], id=name, error_code=None)
        )

    names = ["1", "bad", "2", "3"]
    added = await outcomes_of(*(partial(store.add, kind, name, report(name), 1) for name in names))
    if added[1] is not True:
        assert await store.add(kind, "bad", report("4"), 1)
    replaced = await outcomes_of(
        *(partial(store.replace, kind, name, report(name), 1) for name in names)
    )

    for outcomes in (added, replaced):
        assert [outcomes[0], *outcomes[2:]] == [True] * 3
    loaded = await store.load(kind, ["1", "2", "3"])
    assert {stored.version for stored in loaded.values()} == {2}
    assert len(loaded) == 3


async def test_a_value_that_an_index_cannot_have_affects_no_other_record(
    store: RecordStore,
) -> None:
    names = ["1", "2", "bad", "3"]

    def identity(name: str) -> IdentityRecord:
        return an_identity(name, external_id=RARE_TEXT if name == "bad" else name)

    added = await outcomes_of(
        *(partial(store.add, IDENTITIES, name, identity(name), 1) for name in names)
    )
    if added[2] is not True:
        assert await store.add(IDENTITIES, "bad", an_identity("bad"), 1)
    replaced = await outcomes_of(
        *(partial(store.replace, IDENTITIES, name, identity(name), 1) for name in names)
    )

    for outcomes in (added, replaced):
        assert [*outcomes[:2], outcomes[3]] == [True] * 3


async def test_an_id_that_cannot_be_encoded_affects_no_other(store: RecordStore) -> None:
    names = ["1", "\ud800", "2"]

    added = await outcomes_of(
        *(partial(store.add, LEASES, name, LeaseRecord(expires_at=NOW), 1) for name in names)
    )
    replaced = await outcomes_of(
        *(partial(store.replace, LEASES, name, LeaseRecord(expires_at=FAR), 1) for name in names)
    )

    assert [added[0], added[2]] == [replaced[0], replaced[2]] == [True, True]


async def test_a_cancelled_write_affects_no_other(store: RecordStore) -> None:
    names = [str(number) for number in range(40)]
    await add_reports(store, *names[:20])
    writes = [
        asyncio.create_task(store.replace(DELIVERY_REPORTS, name, a_report(name), 1))
        if number < 20
        else asyncio.create_task(store.add(DELIVERY_REPORTS, name, a_report(name), 1))
        for number, name in enumerate(names)
    ]
    await asyncio.sleep(0)
    for write in writes[::2]:
        write.cancel()

    outcomes = await asyncio.gather(*writes, return_exceptions=True)

    assert outcomes[1::2] == [True] * 20


async def test_writes_of_two_instances_and_of_the_cleanup_do_not_block_each_other(
    store: RecordStore, other_store: RecordStore
) -> None:
    names = [f"{number:02}" for number in range(60)]
    for version in range(1, 4):
        if version == 1:
            for name in names:
                await store.add(DELIVERY_REPORTS, name, a_report(name, expires_at=FAR), 1)
        backwards = [*reversed(names)]
        replacements = [
            Replacement(name, a_report(name, expires_at=FAR, error_code="by the cleanup"), version)
            for name in backwards
        ]

        def replace(instance: RecordStore, name: str, version: int = version) -> Write:
            record = a_report(name, expires_at=FAR, error_code="by a request")
            return partial(instance.replace, DELIVERY_REPORTS, name, record, version)

        replaced, _, *won = await asyncio.gather(
            replace_all(other_store, DELIVERY_REPORTS, replacements),
            other_store.delete_expired(DELIVERY_REPORTS, NOW, 9),
            *(replace(store, name)() for name in names),
            *(replace(other_store, name)() for name in backwards),
        )

        assert replaced + won.count(True) == len(names)
        loaded = await store.load(DELIVERY_REPORTS, names)
        assert {stored.version for stored in loaded.values()} == {version + 1}


async def test_additions_of_two_instances_that_want_the_same_values_do_not_block_each_other(
    store: RecordStore, other_store: RecordStore
) -> None:
    count = 40

    def add(instance: RecordStore, number: int, name: str) -> Write:
        record = an_identity(name, username_key=f"name {number}", external_id=f"id {number}")
        return partial(instance.add, IDENTITIES, name, record, 1)

    outcomes = await outcomes_of(
        *(add(store, number, f"a {number:02}") for number in range(count)),
        # Their ids are in the opposite order of the values.
        *(add(other_store, number, f"b {count - number:02}") for number in range(count)),
    )

    for one, two in zip(outcomes[:count], outcomes[count:], strict=True):
        assert {one, two} == {True, UniqueViolation}

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
    LeaseRecord,
)
from adapters.databases.records.record_kind import Fields, RecordKind
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
)

Write = Callable[[], Awaitable[bool]]
TAKEN: Final = "taken"


class NewerIdentityRecord(IdentityRecord, kw_only=True):
    """An identity of a newer program."""

    unknown: str | None = None
    numbers: dict[str, int] = msgspec.field(default_factory=dict)


NEWER_IDENTITIES: Final = RecordKind(
    IDENTITIES.name, NewerIdentityRecord, *IDENTITIES.indexes, written_once=ENCRYPTED_PHONE
)


def a_newer_identity(identity_id: str, **changes: Any) -> NewerIdentityRecord:
    return NewerIdentityRecord(id=identity_id, created_at=NOW, sessions=(), **changes)


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


async def load_all(
    store: RecordStore, *record_ids: str, kind: RecordKind[Any] = IDENTITIES
) -> dict[str, tuple[IdentityRecord, int]]:
    """Return the identities and their versions."""
    loaded = await store.load(kind, record_ids)
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


PHONES: Final = [None, b"a phone"]
"""A record with the field that is written once may need another statement."""


@pytest.mark.parametrize("phone", PHONES, ids=["without_phone", "with_phone"])
async def test_each_replacement_has_its_own_result(store: RecordStore, phone: bytes | None) -> None:
    names = ["1", "lost", "deleted", "by name", "by id", "overwritten", "assigned", "raced"]
    stored = {
        name: a_newer_identity(name, external_id=name, encrypted_phone=b"first", unknown=name)
        for name in names
    }
    for name, record in stored.items():
        await store.add(NEWER_IDENTITIES, name, record, 1)
    taken = an_identity(TAKEN, username_key=TAKEN, external_id=TAKEN)
    await store.add(IDENTITIES, TAKEN, taken, 1)
    assert await store.delete(IDENTITIES, "deleted", 1)

    def replace(name: str, version: int = 1, **changes: Any) -> Write:
        changes = {"encrypted_phone": phone, "staff_role": "support", **changes}
        once = {"also_written_once": True} if name == "assigned" else {}
        return partial(
            store.replace, IDENTITIES, name, an_identity(name, **changes), version, **once
        )

    raced = [replace("raced", claims=str(number)) for number in range(3)]
    outcomes = await outcomes_of(
        *raced,
        replace("1", username_key="free"),
        replace("lost", 2),
        replace("deleted"),
        replace("missing"),
        replace("by name", username_key=TAKEN, external_id="another"),
        replace("by id", username_key="another", external_id=TAKEN),
        replace("assigned", encrypted_phone=b"new"),
        partial(store.overwrite, IDENTITIES, "overwritten", ENCRYPTED_PHONE, b"new", 1),
        partial(store.overwrite, IDENTITIES, "lost", ENCRYPTED_PHONE, b"new", 2),
    )

    assert outcomes[:3].count(True) == 1
    assert outcomes[3:] == [
        *(True, False, False, False, UniqueViolation, UniqueViolation),
        *(True, True, False),
    ]
    # What this program does not know is kept, and a field without a value removed.
    replaced = {"external_id": None, "staff_role": "support"}
    kept = {**replaced, "encrypted_phone": b"first" if phone else None}
    changes: dict[str, dict[str, Any]] = {
        "1": {**kept, "username_key": "free"},
        "raced": {**kept, "claims": str(outcomes.index(True))},
        "assigned": {**replaced, "encrypted_phone": b"new"},
        "overwritten": {"encrypted_phone": b"new"},
    }
    expected = {
        name: (msgspec.structs.replace(record, **changes.get(name, {})), 1 + (name in changes))
        for name, record in stored.items()
        if name != "deleted"
    }
    assert await load_all(store, *names, "missing", kind=NEWER_IDENTITIES) == expected
    assert await load_all(store, TAKEN) == {TAKEN: (taken, 1)}
    free = an_identity("free", username_key="another", external_id="another")
    assert await store.add(IDENTITIES, "free", free, 1), "a rejected one took a value"


RARE_TEXT: Final = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9000), k=5_000)))
BAD_FIELDS: Final[dict[str, Fields]] = {
    "a text without an encoding": {"claims": "\ud800"},
    "a number of more than 64 bits": {"numbers": {"1": 2**70}},
    "17 MB": {"claims": "x" * 17_000_000},
    "a value that no index can have": {"external_id": RARE_TEXT},
}


@pytest.mark.parametrize("reason", BAD_FIELDS)
async def test_a_record_that_the_database_cannot_store_affects_no_other(
    store: RecordStore, reason: str
) -> None:
    records = {name: a_newer_identity(name, external_id=name) for name in ("1", "bad", "2", "3")}
    records["bad"] = msgspec.structs.replace(records["bad"], **BAD_FIELDS[reason])
    kind = NEWER_IDENTITIES

    added = await outcomes_of(
        *(partial(store.add, kind, name, record, 1) for name, record in records.items())
    )
    if added[1] is not True:
        assert await store.add(kind, "bad", a_newer_identity("bad"), 1)
    replaced = await outcomes_of(
        *(partial(store.replace, kind, name, record, 1) for name, record in records.items())
    )

    for outcomes in (added, replaced):
        assert [outcomes[0], *outcomes[2:]] == [True] * 3
    loaded = await load_all(store, "1", "2", "3", kind=kind)
    assert loaded == {name: (records[name], 2) for name in "123"}


async def test_an_id_that_cannot_be_encoded_is_of_no_record_and_affects_no_other(
    store: RecordStore,
) -> None:
    names, odd = ["1", "\ud800", "2"], "\ud801"

    added = await outcomes_of(
        *(partial(store.add, LEASES, name, LeaseRecord(expires_at=NOW), 1) for name in names)
    )
    replaced = await outcomes_of(
        *(partial(store.replace, LEASES, name, LeaseRecord(expires_at=FAR), 1) for name in names)
    )
    loaded = await asyncio.gather(store.load(LEASES, ["1"]), store.load(LEASES, [odd, "1"]))

    assert [added[0], added[2]] == [replaced[0], replaced[2]] == [True, True]
    assert [found.keys() for found in loaded] == [{"1"}, {"1"}]
    assert not await store.replace(LEASES, odd, LeaseRecord(expires_at=FAR), 1)
    assert not await store.delete(LEASES, odd, 1)


async def test_a_cancelled_call_affects_no_other(store: RecordStore) -> None:
    names = [str(number) for number in range(40)]
    await add_reports(store, *names[:20])
    calls: list[Any] = [
        *(store.load(DELIVERY_REPORTS, [name]) for name in names[:20]),
        *(store.replace(DELIVERY_REPORTS, name, a_report(name), 1) for name in names[:20]),
        *(store.add(DELIVERY_REPORTS, name, a_report(name), 1) for name in names[20:]),
    ]
    tasks = [asyncio.ensure_future(call) for call in calls]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()

    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [outcome and True for outcome in outcomes[1::2]] == [True] * 30


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

"""The promises of what a `RecordStore` may have besides, if it has it: several writes together.

Each is as a write of its own would be. Jobs and the cleanup write one after the other without it.
"""

from datetime import timedelta
from typing import Final

import msgspec

from adapters.databases.records.database import Database
from adapters.databases.records.identities import IdentityRecord
from adapters.databases.records.kinds import (
    ENCRYPTED_PHONE,
    IDENTITIES,
    PHONE_VERIFICATIONS,
)
from adapters.databases.records.phone_verifications import PhoneVerificationRecord
from adapters.databases.records.record_kind import RecordKind
from adapters.databases.records.record_store import (
    BatchReplacements,
    BatchWrites,
    Overwrite,
    Replacement,
    StoredRecord,
)
from tests.contract.suites.promises import not_promised
from tests.contract.suites.storage.record_examples import NOW

LATER = NOW + timedelta(days=365)


class UnknownFieldRecord(PhoneVerificationRecord, kw_only=True):
    unknown: str | None = None


NEWER_VERIFICATIONS: Final = RecordKind(
    PHONE_VERIFICATIONS.name,
    UnknownFieldRecord,
    *PHONE_VERIFICATIONS.indexes,
    written_once=ENCRYPTED_PHONE,
)


async def test_only_records_with_their_version_are_replaced_and_keep_what_each_would_keep(
    database: Database,
) -> None:
    store = database.records
    if not isinstance(store, BatchReplacements):
        not_promised("it has no replace_all()")
    newer = UnknownFieldRecord(blocked_at=NOW, encrypted_phone=b"first", unknown="kept")
    for name in ("a", "b"):
        assert await store.add(NEWER_VERIFICATIONS, name, newer, 5)
    replaced = PhoneVerificationRecord(identity_id="a", encrypted_phone=b"second")

    written = [Replacement("a", replaced, 5), Replacement("b", replaced, 4)]
    assert await store.replace_all(PHONE_VERIFICATIONS, written) == 1

    expected = msgspec.structs.replace(newer, blocked_at=None, identity_id="a")
    assert await store.load(NEWER_VERIFICATIONS, ["a", "b"]) == {
        "a": StoredRecord("a", expected, 6),
        "b": StoredRecord("b", newer, 5),
    }


async def test_only_records_with_their_version_are_overwritten(database: Database) -> None:
    store = database.records
    if not isinstance(store, BatchWrites):
        not_promised("it has no overwrite_all() and estimate_size()")
    for record_id in ("a", "b"):
        record = IdentityRecord(id=record_id, created_at=NOW, sessions=(), encrypted_phone=b"first")
        await store.add(IDENTITIES, record_id, record, 5)

    await store.overwrite_all(
        IDENTITIES, ENCRYPTED_PHONE, [Overwrite("a", b"new", 5), Overwrite("b", b"new", 4)]
    )
    found = await store.load(IDENTITIES, ["a", "b"])
    assert [found[name].record.encrypted_phone for name in "ab"] == [b"new", b"first"]

    # It may be of an earlier moment: PostgreSQL counts at times of its own (-1: it never did).
    assert await store.estimate_size(IDENTITIES) >= 0

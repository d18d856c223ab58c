"""A job of an operator: store phones under the current encryption key."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from adapters.databases.records.all_kinds import all_kinds
from adapters.databases.records.identities import IdentityRecord
from adapters.databases.records.kinds import ENCRYPTED_PHONE, IDENTITIES, PHONE_VERIFICATIONS
from adapters.databases.records.outages import OutageRetries
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.record_kind import RecordKind
from adapters.databases.records.record_store import (
    BatchWrites,
    Overwrite,
    RecordStore,
    StoredRecord,
)

BATCH_SIZE: Final = 200
"""Records that are written at the same time."""
_Batch = tuple[RecordKind[Any], Sequence[StoredRecord[Any]]]

ReportProgress = Callable[[str, int, int | None], None]
"""Reports what is done, for how many records, and of about how many; None if unknown."""


def report_nothing(_: str, __: int, ___: int | None) -> None:
    """Report no progress."""


async def reencrypt_phones(
    store: RecordStore, encryption: PhoneEncryption, report: ReportProgress = report_nothing
) -> int:
    """Encrypt the phones with the current key that another key encrypted; return their number.

    - Services may run. A record that one replaces meanwhile counts, and is left to the next call.
    - After a kill the next call reads all records again, and writes those that are left. Reading
      takes a few percent of the time of a write.
    """
    count, retry = 0, OutageRetries()
    async for kind, batch in _scan_encrypted(store, retry, report):
        changes = []
        for stored in batch:
            record = stored.record
            is_changing = isinstance(record, IdentityRecord) and record.phone_change_record
            if is_changing or kind.written_once != ENCRYPTED_PHONE:
                count += await _reencrypt_all(store, retry, encryption, kind, stored)
                continue
            old = record.encrypted_phone
            if old is not None and (new := encryption.reencrypt(old, stored.id)) != old:
                changes.append(Overwrite(stored.id, new, stored.version))
        await _overwrite_all(store, retry, kind, changes)
        count += len(changes)
    return count


async def _reencrypt_all(
    store: RecordStore,
    retry: OutageRetries,
    encryption: PhoneEncryption,
    kind: RecordKind[Any],
    stored: StoredRecord[Any],
) -> bool:
    record = stored.record
    reencrypted = record.map_phones(lambda old: encryption.reencrypt(old, stored.id))
    if reencrypted.encrypted_phones == record.encrypted_phones:
        return False
    await retry(
        partial(
            store.replace,
            kind,
            stored.id,
            reencrypted,
            stored.version,
            also_written_once=True,
        )
    )
    return True


async def _overwrite_all(
    store: RecordStore,
    retry: OutageRetries,
    kind: RecordKind[Any],
    changes: Sequence[Overwrite],
) -> None:
    if isinstance(store, BatchWrites) and changes:
        await retry(partial(store.overwrite_all, kind, ENCRYPTED_PHONE, changes))
        return
    for change in changes:
        await retry(
            partial(store.overwrite, kind, change.id, ENCRYPTED_PHONE, change.value, change.version)
        )


async def _scan_encrypted(
    store: RecordStore, retry: OutageRetries, report: ReportProgress
) -> AsyncIterator[_Batch]:
    for kind in _kinds_with_phones():
        total = None
        if isinstance(store, BatchWrites):
            total = await retry(partial(store.estimate_size, kind))
        done, last_id = 0, ""
        while records := await retry(partial(store.scan, kind, last_id, BATCH_SIZE)):
            yield kind, [stored for stored in records if stored.record.encrypted_phones]
            done, last_id = done + len(records), records[-1].id
            report(kind.name, done, total)


def _kinds_with_phones() -> Iterator[RecordKind[Any]]:
    yield IDENTITIES
    for kind in all_kinds():
        if kind.has_phones and kind not in (IDENTITIES, PHONE_VERIFICATIONS):
            yield kind
    yield PHONE_VERIFICATIONS

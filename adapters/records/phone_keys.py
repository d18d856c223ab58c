"""Jobs of an operator: store phones under the current encryption key, or another index key."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from adapters.records.all_kinds import all_kinds
from adapters.records.database import Database
from adapters.records.identities import IdentityRecord
from adapters.records.instances import check_none_alive
from adapters.records.kinds import (
    ENCRYPTED_PHONE,
    IDENTITIES,
    INSTANCES,
    PHONE_VERIFICATIONS,
    UNCHALLENGED_ATTEMPTS,
)
from adapters.records.outages import OutageRetries
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.record_kind import EXPIRES_AT, RecordKind
from adapters.records.record_store import (
    BatchWrites,
    Move,
    Overwrite,
    RecordStore,
    StoredRecord,
)
from adapters.records.repositories.phone_verifications import StoredPhoneVerifications
from domain.phone import PhoneNumber

BATCH_SIZE: Final = 200
"""How many records are written at the same time."""
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
_Batch = tuple[RecordKind[Any], Sequence[StoredRecord[Any]]]

ReportProgress = Callable[[str, int, int | None], None]
"""Is told of what is done, how many records, and of about how many; None if that is not known."""


def report_nothing(_: str, __: int, ___: int | None) -> None:
    """Report no progress."""


async def reencrypt_phones(
    store: RecordStore, encryption: PhoneEncryption, report: ReportProgress = report_nothing
) -> int:
    """Encrypt the phones with the current key that another key encrypted; return their number.

    - Services may run. A record that one replaces meanwhile counts, and is left to the next call.
    - After a kill the next call reads all records again, and writes those that are left. Reading
      takes a few percent of the time of a write.

    Raises:
        CorruptRecord
        StorageError: The database did not answer for a long time.
    """
    count, retry = 0, OutageRetries()
    async for kind, batch in _scan_encrypted(store, retry, report):
        changes = []
        for stored in batch:
            record = stored.record
            is_changing = (
                isinstance(record, IdentityRecord) and record.phone_changes.under_way_record
            )
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
    """Encrypt all phones of a record again, in one write; return whether that was necessary."""
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


async def check_stopped(store: RecordStore, location: str, now: datetime) -> None:
    """Check that no instance of the service uses the database: each renews a record.

    Raises:
        ConfigurationError: One does, or was killed a short time ago.
        StorageError
    """
    index = INSTANCES.find_index(EXPIRES_AT)
    latest = await store.find(INSTANCES, index, newest_first=True, limit=1)
    check_none_alive([stored.record for stored in latest], location, now)


async def move_phone_verifications(
    database: Database,
    old: PhoneEncryption,
    new: PhoneEncryption,
    report: ReportProgress = report_nothing,
) -> int:
    """Move all phone verifications to the new index key, and return how many are kept.

    No service runs: with two index keys at a time, each request would look up a phone twice, for a
    job of minutes. Each step is harmless when it is repeated, so the job continues after a crash.
    Client IP hashes are dropped with the limits that count them, and so are phone verifications
    that would expire, unless the phone is held for the identity that had it.

    Args:
        database: The database.
        old: With the former index key.
        new: With the new one.
        report: Is called after each batch.

    Raises:
        CorruptRecord
        StorageError: The database did not answer for a long time.
    """
    store, retry = database.records, OutageRetries()
    async for _, batch in _scan_encrypted(store, retry, report):
        phones = [
            old.decrypt(encrypted, stored.id)
            for stored in batch
            for encrypted in stored.record.encrypted_phones
        ]
        if phones:
            await _move_all(store, retry, phones, old, new)
    kinds: tuple[RecordKind[Any], ...] = (PHONE_VERIFICATIONS, UNCHALLENGED_ATTEMPTS)
    for kind in kinds:
        expire = partial(store.delete_expired, kind, _LATEST, BATCH_SIZE)
        await _repeat(expire, retry, partial(report, f"{kind.name} that expire"))
    expire = partial(database.limits.delete_expired, _LATEST, BATCH_SIZE)
    await _repeat(expire, retry, partial(report, "limits"))
    kept, last_id = 0, ""
    while records := await retry(partial(store.scan, PHONE_VERIFICATIONS, last_id, BATCH_SIZE)):
        kept, last_id = kept + len(records), records[-1].id
        report("phone_verifications that are kept", kept, None)
    return kept


async def _move_all(
    store: RecordStore,
    retry: OutageRetries,
    phones: Sequence[PhoneNumber],
    old: PhoneEncryption,
    new: PhoneEncryption,
) -> None:
    phones_by_id = {old.blind_index(phone): phone for phone in phones}
    # Those that were moved before are no longer there.
    found = await retry(partial(store.load, PHONE_VERIFICATIONS, [*phones_by_id]))

    moves, verifications = [], StoredPhoneVerifications(store, new)
    for stored in found.values():
        verification = verifications.mapping.to_value(stored.record).drop_client_ips()
        new_id, moved = verifications.to_record(phones_by_id[stored.id], verification)
        if moved.has_phone:
            # It stays when all that expire are deleted. The next write sets it again, at the latest
            # the cleanup's when the hold ends.
            moved.expires_at = None
        moves.append(Move(stored.id, new_id, moved, stored.version))
    if isinstance(store, BatchWrites) and moves:
        await retry(partial(store.move_all, PHONE_VERIFICATIONS, moves))
        return
    for move in moves:
        await retry(
            partial(
                store.move, PHONE_VERIFICATIONS, move.id, move.new_id, move.record, move.version
            )
        )


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
    """Yield the records with encrypted phones, in batches, and report each that is done."""
    for kind in _kinds_with_phones():
        total = None
        if isinstance(store, BatchWrites):
            total = await retry(partial(store.estimate_size, kind))
        done, last_id = 0, ""
        while records := await retry(partial(store.scan, kind, last_id, BATCH_SIZE)):
            yield kind, [stored for stored in records if stored.record.encrypted_phones]
            done, last_id = done + len(records), records[-1].id
            report(kind.name, done, total)


async def _repeat(
    expire: Callable[[], Awaitable[int]],
    retry: OutageRetries,
    report: Callable[[int, int | None], None],
) -> None:
    """Delete batches until there is nothing left."""
    deleted = 0
    while batch := await retry(expire):
        deleted += batch
        report(deleted, None)


def _kinds_with_phones() -> Iterator[RecordKind[Any]]:
    """Yield the kinds that have encrypted phones."""
    yield IDENTITIES
    for kind in all_kinds():
        if kind.has_phones and kind not in (IDENTITIES, PHONE_VERIFICATIONS):
            yield kind
    yield PHONE_VERIFICATIONS

"""Jobs of an operator: store phones under the current encryption key, or another index key."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

from adapters.records.database import Database
from adapters.records.identities import IdentityRecord
from adapters.records.kinds import (
    ENCRYPTED_PHONE,
    IDENTITIES,
    LEASES,
    PHONE_VERIFICATIONS,
    UNCHALLENGED_ATTEMPTS,
)
from adapters.records.mapping import RecordMapping
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_verifications import PhoneVerificationRecord
from adapters.records.record_kind import RecordKind
from adapters.records.record_store import RecordStore, StoredRecord
from adapters.records.repositories import to_phone_verification_record
from application.ports.errors import ConfigurationError
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

_BATCH_SIZE: Final = 200
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
IN_USE: Final = (
    "{location} was in use a short time ago: stop all instances of the service, and start the "
    "command again after {time:%Y-%m-%dT%H:%M:%SZ}."
)
_WithPhone = IdentityRecord | PhoneVerificationRecord


async def reencrypt_phones(store: RecordStore, encryption: PhoneEncryption) -> int:
    """Encrypt the phones with the current key that another key encrypted; return their number.

    Services may run. A record that one replaces meanwhile counts, and is left to the next call.

    Raises:
        CorruptRecord
        StorageError
    """
    count = 0
    async for kind, stored in _scan_encrypted(store):
        old = stored.record.encrypted_phone or b""
        encrypted = encryption.reencrypt(old, stored.id)
        if encrypted != old:
            count += 1
            await store.overwrite(kind, stored.id, ENCRYPTED_PHONE, encrypted, stored.version)
    return count


async def check_leases(store: RecordStore, location: str, now: datetime) -> None:
    """Check that no service used the database a short time ago: each renews a lease.

    Raises:
        ConfigurationError: one did.
        StorageError
    """
    [index] = LEASES.indexes
    latest = await store.find(LEASES, index, newest_first=True, limit=1)
    if latest and latest[0].record.expires_at > now:
        time = latest[0].record.expires_at
        raise ConfigurationError(IN_USE.format(location=location, time=time))


async def move_phone_verifications(
    database: Database, old: PhoneEncryption, new: PhoneEncryption
) -> int:
    """Move all phone verifications to the new index key, and return how many are kept.

    No service runs. Each step is harmless when it is repeated, so the job continues after a crash.
    Client IP hashes are dropped with the limits that count them, and so are phone verifications
    that would expire.

    Raises:
        CorruptRecord
        StorageError
    """
    store = database.records
    async for _, stored in _scan_encrypted(store):
        phone = old.decrypt(stored.record.encrypted_phone or b"", stored.id)
        await _move(store, phone, old, new)
    kinds: tuple[RecordKind[Any], ...] = (PHONE_VERIFICATIONS, UNCHALLENGED_ATTEMPTS)
    for kind in kinds:
        while await store.delete_expired(kind, _LATEST, _BATCH_SIZE):
            pass
    while await database.limits.delete_expired(_LATEST, _BATCH_SIZE):
        pass
    kept, last_id = 0, ""
    while records := await store.scan(PHONE_VERIFICATIONS, last_id, _BATCH_SIZE):
        kept, last_id = kept + len(records), records[-1].id
    return kept


async def _move(
    store: RecordStore, phone: PhoneNumber, old: PhoneEncryption, new: PhoneEncryption
) -> None:
    old_index, new_index = old.blind_index(phone), new.blind_index(phone)
    stored = (await store.load(PHONE_VERIFICATIONS, [old_index])).get(old_index)
    if stored is None:
        return  # Moved before.
    mapping = RecordMapping(PHONE_VERIFICATIONS, PhoneVerification)
    verification = mapping.to_value(stored.record).drop_client_ips()
    moved = to_phone_verification_record(verification, phone, new_index, new)
    await store.move(PHONE_VERIFICATIONS, old_index, new_index, moved, stored.version)


async def _scan_encrypted(
    store: RecordStore,
) -> AsyncIterator[tuple[RecordKind[_WithPhone], StoredRecord[_WithPhone]]]:
    """Yield the records with an encrypted phone."""
    kinds: tuple[RecordKind[_WithPhone], ...] = (IDENTITIES, PHONE_VERIFICATIONS)  # type: ignore[assignment]
    for kind in kinds:
        last_id = ""
        while records := await store.scan(kind, last_id, _BATCH_SIZE):
            for stored in records:
                last_id = stored.id
                if stored.record.encrypted_phone is not None:
                    yield kind, stored

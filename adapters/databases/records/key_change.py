"""Convert the records of a database to other index and encryption keys.

- Ids stay, but for those of phone verifications, which are blind indexes.
- Client IPs of phone verifications are dropped with the limits that count them. Phone
  verifications that would expire are dropped too. Blocks stay.
- Records that are found by the index key only are dropped: `RecordKind.is_keyed`.

Between two databases a phone is not encrypted: safe encryptions per key are limited (NIST SP
800-38D, 8.3), and ciphertexts of a phone cannot be compared.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from functools import partial
from typing import Any

import msgspec

from adapters.databases.records.kinds import ENCRYPTED_PHONE, PHONE_VERIFICATIONS
from adapters.databases.records.outages import OutageRetries
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.record_kind import RecordKind
from adapters.databases.records.record_store import RecordStore, StoredRecord
from adapters.databases.records.repositories import VERIFICATIONS
from domain.phone import PhoneNumber

_Batch = Sequence[StoredRecord[Any]]


class KeyChange:
    """The change from the keys of one database to those of another one."""

    def __init__(self, store: RecordStore, old: PhoneEncryption, new: PhoneEncryption) -> None:
        """Read phone verifications of this store, which is under the old keys."""
        self._store = store
        self._old = old
        self._new = new
        self._retry = OutageRetries()

    async def change(
        self, kind: RecordKind[Any], batch: _Batch
    ) -> AsyncIterator[tuple[RecordKind[Any], _Batch]]:
        """Yield what records become, with their phones not encrypted.

        Phone verifications come with each record that has their phone, so some come twice.
        """
        if kind.is_keyed:
            return
        decrypted = [_decrypt(stored, self._old) for stored in batch]
        if kind is not PHONE_VERIFICATIONS:
            yield kind, decrypted
        if kind.has_phones:
            phones = {_decode(each) for one in decrypted for each in one.record.encrypted_phones}
            yield PHONE_VERIFICATIONS, await self._find_verifications(phones)

    def encrypt(self, stored: StoredRecord[Any]) -> StoredRecord[Any]:
        return _map_phones(
            stored, lambda phone, record_id: self._new.encrypt(_decode(phone), record_id)
        )

    def decrypt(self, stored: StoredRecord[Any]) -> StoredRecord[Any]:
        """Return a record of the other database with its phones not encrypted."""
        return _decrypt(stored, self._new)

    async def _find_verifications(self, phones: Collection[PhoneNumber]) -> _Batch:
        phones_by_id = {self._old.blind_index(phone): phone for phone in phones}
        if not phones_by_id:
            return []
        found = await self._retry(partial(self._store.load, PHONE_VERIFICATIONS, [*phones_by_id]))
        changed = []
        for stored in found.values():
            phone = phones_by_id[stored.id]
            verification = VERIFICATIONS.to_value(stored.record).drop_client_ips()
            record = VERIFICATIONS.to_record(verification)
            if record.has_phone:
                record.encrypted_phone = phone.e164.encode()
            if record.expires_at is None:
                changed.append(StoredRecord(self._new.blind_index(phone), record, stored.version))
        return changed


def _decrypt(stored: StoredRecord[Any], encryption: PhoneEncryption) -> StoredRecord[Any]:
    return _map_phones(
        stored, lambda phone, record_id: encryption.decrypt(phone, record_id).e164.encode()
    )


def _map_phones(
    stored: StoredRecord[Any], change: Callable[[bytes, str], bytes]
) -> StoredRecord[Any]:
    record = stored.record
    if not getattr(record, "encrypted_phones", ()):
        return stored
    if hasattr(record, "map_phones"):
        record = record.map_phones(lambda phone: change(phone, stored.id))
    else:
        phone = change(getattr(record, ENCRYPTED_PHONE), stored.id)
        record = msgspec.structs.replace(record, **{ENCRYPTED_PHONE: phone})
    return StoredRecord(stored.id, record, stored.version)


def _decode(phone: bytes) -> PhoneNumber:
    return PhoneNumber(phone.decode())

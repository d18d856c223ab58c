"""The repository of phone verifications."""

from datetime import datetime
from typing import Final

from adapters.records.kinds import PHONE_VERIFICATIONS
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_verifications import PhoneVerificationMapping, PhoneVerificationRecord
from adapters.records.record_repository import LoadedVersion, make_first_version
from adapters.records.record_store import RecordStore, Replacement, replace_all
from application.ports.changes import ChangeObserver
from application.ports.versioned import Versioned
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

_VERIFICATIONS: Final = PhoneVerificationMapping(PHONE_VERIFICATIONS)


class StoredPhoneVerifications:
    """Phone verifications by the blind index of the phone.

    The phone of one that is blocked or held is kept, encrypted.
    """

    def __init__(
        self,
        store: RecordStore,
        encryption: PhoneEncryption,
        observer: ChangeObserver | None = None,
    ) -> None:
        """Set the store, the encryption of the phones, and who is told of changes."""
        self._store = store
        self._encryption = encryption
        self._observer = observer

    async def load(self, phone: PhoneNumber, /) -> Versioned[PhoneVerification]:
        loaded = await self.load_by_index(self._encryption.blind_index(phone))
        return loaded if self._observer is None else LoadedVersion.of(loaded)

    async def load_by_index(self, phone_index: str) -> Versioned[PhoneVerification]:
        found = await self._store.load(PHONE_VERIFICATIONS, [phone_index])
        if phone_index not in found:
            return Versioned(PhoneVerification(), 0)
        stored = found[phone_index]
        return Versioned(_VERIFICATIONS.to_value(stored.record), stored.version)

    async def save(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int, /
    ) -> bool:
        phone_index = self._encryption.blind_index(phone)
        record = _VERIFICATIONS.to_record_of(verification, phone, phone_index, self._encryption)
        is_replaced = await self._write(phone_index, record, int(version))
        if is_replaced and self._observer is not None and isinstance(version, LoadedVersion):
            await self._observer.phone_changed(phone, version.former, verification)
        return is_replaced

    async def block_by_index(self, phone_index: str, now: datetime) -> bool:
        found = (await self._store.load(PHONE_VERIFICATIONS, [phone_index])).get(phone_index)
        verification = _VERIFICATIONS.to_value(found.record) if found else PhoneVerification()
        record = _VERIFICATIONS.to_record(verification.block(now))
        if found is None:
            return await self._write(phone_index, record, 0)
        record.encrypted_phone = found.record.encrypted_phone
        return await self._write(phone_index, record, found.version)

    async def _write(self, phone_index: str, record: PhoneVerificationRecord, version: int) -> bool:
        if version == 0:
            first = make_first_version()
            return await self._store.add(PHONE_VERIFICATIONS, phone_index, record, first)
        return await self._store.replace(PHONE_VERIFICATIONS, phone_index, record, version)

    async def prune(self, now: datetime, limit: int) -> int:
        index = PHONE_VERIFICATIONS.find_index("client_ips_expire_at")
        expired = await self._store.find(PHONE_VERIFICATIONS, index, until=now, limit=limit)
        pruned = []
        for stored in expired:
            record = _VERIFICATIONS.to_record(_VERIFICATIONS.to_value(stored.record).prune(now))
            if record.has_phone:
                record.encrypted_phone = stored.record.encrypted_phone
            pruned.append(Replacement(stored.id, record, stored.version))
        return await replace_all(self._store, PHONE_VERIFICATIONS, pruned)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await self._store.delete_expired(PHONE_VERIFICATIONS, now, limit)

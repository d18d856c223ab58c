"""The repository of phone verifications."""

from datetime import datetime
from typing import Final

from adapters.databases.records.kinds import PHONE_VERIFICATIONS
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.record_repository import make_first_version
from adapters.databases.records.record_store import RecordStore, Replacement, replace_all
from application.ports.versioned import Versioned
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

VERIFICATIONS: Final = RecordMapping(PHONE_VERIFICATIONS, PhoneVerification)
"""The mapping; the encrypted phone is set beside it."""


class StoredPhoneVerifications:
    """Phone verifications by the blind index of the phone."""

    def __init__(self, store: RecordStore, encryption: PhoneEncryption) -> None:
        self._store = store
        self._encryption = encryption

    async def load(self, phone: PhoneNumber, /) -> Versioned[PhoneVerification]:
        phone_index = self._encryption.blind_index(phone)
        found = await self._store.load(PHONE_VERIFICATIONS, [phone_index])
        if phone_index not in found:
            return Versioned(PhoneVerification(), 0)
        stored = found[phone_index]
        return Versioned(VERIFICATIONS.to_value(stored.record), stored.version)

    async def save(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int, /
    ) -> bool:
        phone_index = self._encryption.blind_index(phone)
        record = VERIFICATIONS.to_record(verification)
        if record.has_phone:
            record.encrypted_phone = self._encryption.encrypt(phone, phone_index)
        if version == 0:
            first = make_first_version()
            return await self._store.add(PHONE_VERIFICATIONS, phone_index, record, first)
        return await self._store.replace(PHONE_VERIFICATIONS, phone_index, record, version)

    async def prune(self, now: datetime, limit: int) -> int:
        index = PHONE_VERIFICATIONS.find_index("client_ips_expire_at")
        expired = await self._store.find(PHONE_VERIFICATIONS, index, until=now, limit=limit)
        pruned = []
        for stored in expired:
            record = VERIFICATIONS.to_record(VERIFICATIONS.to_value(stored.record).prune(now))
            if record.has_phone:
                record.encrypted_phone = stored.record.encrypted_phone
            pruned.append(Replacement(stored.id, record, stored.version))
        return await replace_all(self._store, PHONE_VERIFICATIONS, pruned)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await self._store.delete_expired(PHONE_VERIFICATIONS, now, limit)

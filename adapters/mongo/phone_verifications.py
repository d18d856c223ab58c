"""Phone verifications in MongoDB."""

from dataclasses import dataclass
from datetime import datetime

from adapters.mongo.documents import PhoneVerificationDocument
from adapters.mongo.record_collection import RecordCollection, to_fields
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_verifications import (
    PHONE_VERIFICATIONS,
    encrypt_if_blocked,
    make_first_version,
    prune_record,
)
from application.ports.versioned import Versioned
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class MongoPhoneVerifications:
    """Phone verifications by the blind index of the phone. That of a blocked one is encrypted."""

    records: RecordCollection[PhoneVerification]
    encryption: PhoneEncryption

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        """Return the record of the phone, an empty one at version 0 if it has none."""
        loaded = await self.records.load(self.encryption.blind_index(phone))
        return loaded or Versioned(PhoneVerification(), 0)

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        """Replace the record if it has this version; version 0 adds it."""
        phone_index = self.encryption.blind_index(phone)
        record = encrypt_if_blocked(verification, phone, phone_index, self.encryption)
        if version == 0:
            return await self.records.add_record(phone_index, record, make_first_version())
        return await self.records.replace_record(phone_index, record, version)

    async def prune(self, now: datetime, limit: int) -> int:
        """Prune up to `limit` records with expired client IPs, and return their number."""
        query = PhoneVerificationDocument.find({"client_ips_expire_at": {"$lte": now}})
        pruned = 0
        for document in await self.records.database.list_raw(
            query.sort("client_ips_expire_at"), limit
        ):
            record = prune_record(PHONE_VERIFICATIONS.convert_record(to_fields(document)), now)
            pruned += await self.records.replace_record(
                document["_id"], record, document["version"]
            )
        return pruned

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired records."""
        return await self.records.database.delete_expired(PhoneVerificationDocument, now, limit)

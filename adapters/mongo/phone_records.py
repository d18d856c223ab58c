import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.mongo.database import Database
from adapters.mongo.documents import PhoneRecordDocument
from adapters.mongo.driver import MotorCollection
from adapters.mongo.errors import NotUnique
from adapters.mongo.lapsing import drop_lapsed
from adapters.mongo.point_reads import PointReads
from adapters.mongo.stored import Stored
from application.ports.phone_encryption import PhoneEncryption
from application.ports.versioned import Versioned
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

RECORD: Final = Stored(PhoneVerification)

_VERSION_BITS: Final = 62


@dataclass(frozen=True, slots=True)
class MongoPhoneRecords:
    """Phone records by the blind index of their phone, which itself is nowhere."""

    database: Database
    collection: MotorCollection
    reads: PointReads
    seal: PhoneEncryption

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        document = await self.reads.one(self.seal.blind_index(phone))
        return RECORD.versioned(document) if document else Versioned(PhoneVerification(), 0)

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        index = self.seal.blind_index(phone)
        if version == 0:
            return await self._add(index, verification)
        document = RECORD.document(verification, version + 1, lapses=verification.expires_at)
        replaced = await self.database.answer(
            self.collection.replace_one({"_id": index, "version": version}, document)
        )
        return replaced.matched_count == 1

    async def _add(self, index: str, record: PhoneVerification) -> bool:
        # Versions begin at random: a record loaded before it lapsed and was dropped could
        # otherwise replace one that was added since and has come to the same number.
        version = 1 + secrets.randbits(_VERSION_BITS)
        document = RECORD.document(record, version, lapses=record.expires_at)
        try:
            await self.database.answer(self.collection.insert_one({"_id": index, **document}))
        except NotUnique:
            return False
        return True

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await drop_lapsed(self.database, PhoneRecordDocument, now, limit)

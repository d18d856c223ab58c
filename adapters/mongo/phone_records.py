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
from application.ports.phone_seal import PhoneSeal
from application.ports.versioned import Versioned
from domain.phone import PhoneNumber
from domain.sign_in.phone_record import PhoneRecord

RECORD: Final = Stored(PhoneRecord)

_VERSION_BITS: Final = 62


@dataclass(frozen=True, slots=True)
class MongoPhoneRecords:
    """Phone records by the blind index of their phone, which itself is nowhere."""

    database: Database
    collection: MotorCollection
    reads: PointReads
    seal: PhoneSeal

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneRecord]:
        document = await self.reads.one(self.seal.index(phone))
        return RECORD.versioned(document) if document else Versioned(PhoneRecord(), 0)

    async def replace(self, phone: PhoneNumber, record: PhoneRecord, version: int) -> bool:
        index = self.seal.index(phone)
        if version == 0:
            return await self._add(index, record)
        document = RECORD.document(record, version + 1, lapses=record.lapses_at())
        replaced = await self.database.answer(
            self.collection.replace_one({"_id": index, "version": version}, document)
        )
        return replaced.matched_count == 1

    async def _add(self, index: str, record: PhoneRecord) -> bool:
        # Versions begin at random: a record loaded before it lapsed and was dropped could
        # otherwise replace one that was added since and has come to the same number.
        version = 1 + secrets.randbits(_VERSION_BITS)
        document = RECORD.document(record, version, lapses=record.lapses_at())
        try:
            await self.database.answer(self.collection.insert_one({"_id": index, **document}))
        except NotUnique:
            return False
        return True

    async def drop_lapsed(self, now: datetime, limit: int) -> int:
        return await drop_lapsed(self.database, PhoneRecordDocument, now, limit)

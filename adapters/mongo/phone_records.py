import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.mongo.database import Database
from adapters.mongo.documents import PhoneRecordDocument
from adapters.mongo.driver import MotorCollection
from adapters.mongo.errors import NotUnique
from adapters.mongo.point_reads import PointReads
from adapters.mongo.stored import Stored
from application.ports.phone_seal import PhoneSeal
from application.ports.versioned import Versioned
from domain.phone import PhoneNumber
from domain.sign_in.phone_record import PhoneRecord

RECORD: Final = Stored(PhoneRecord)

_VERSION_BITS: Final = 62
_AT_ONCE: Final = 200


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

    # No TTL index: that goes by the server's clock, not by the `now` that is given, at a time
    # of its own choosing, as fast as it can, and tells nobody what it removed.
    async def drop_lapsed(self, now: datetime, limit: int) -> int:
        dropped = 0
        while dropped < limit:
            batch = min(limit - dropped, _AT_ONCE)
            gone = await self._drop(now, batch)
            dropped += gone
            if gone < batch:
                break
        return dropped

    async def _drop(self, now: datetime, limit: int) -> int:
        lapsed = {"lapses": {"$lte": now}}
        question = PhoneRecordDocument.find(lapsed).sort("lapses")
        ids = [document["_id"] for document in await self.database.found(question, limit)]
        if not ids:
            return 0
        # Asked again: a record may have been replaced since, and live longer.
        done = await self.database.answer(
            self.collection.delete_many({"_id": {"$in": ids}, **lapsed})
        )
        return done.deleted_count

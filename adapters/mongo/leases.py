"""Leases in MongoDB."""

from dataclasses import dataclass
from datetime import datetime

from adapters.mongo.database import Database
from adapters.mongo.driver import DuplicateKey, MotorCollection
from domain.otp.sliding_window import CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class MongoLeases:
    """A document for each lease.

    While it is held, the filter of the upsert finds nothing, so the upsert inserts, and the
    existing `_id` rejects that: check and write are one operation.
    """

    database: Database
    collection: MotorCollection

    async def acquire(self, name: str, now: datetime, expires_at: datetime) -> bool:
        """Acquire the lease, if it is not held."""
        is_free = [
            {"expires_at": {"$lte": now}},
            {"expires_at": {"$gt": expires_at + CLOCK_SKEW}},
        ]
        try:
            await self.database.run(
                lambda: self.collection.update_one(
                    {"_id": name, "$or": is_free},
                    {"$set": {"expires_at": expires_at}},
                    upsert=True,
                )
            )
        except DuplicateKey:
            return False
        return True

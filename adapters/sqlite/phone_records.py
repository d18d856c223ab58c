from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.sqlite.body import Body, micros, micros_or_none
from adapters.sqlite.database import Database
from application.ports.phone_seal import PhoneSeal
from application.ports.versioned import Versioned
from domain.phone import PhoneNumber
from domain.sign_in.phone_record import PhoneRecord

_BODY: Final = Body(PhoneRecord)

_LOAD: Final = "SELECT version, body FROM phone_records WHERE phone_index = ?"

# Versions begin at random: a record loaded before it lapsed and was dropped could otherwise
# replace one that was added since and has come to the same number.
_ADD: Final = """
INSERT INTO phone_records (phone_index, version, lapses, body)
VALUES (:phone_index, 1 + (random() & 0x3fffffffffffffff), :lapses, :body)
ON CONFLICT (phone_index) DO NOTHING
"""

_REPLACE: Final = """
UPDATE phone_records SET version = version + 1, lapses = :lapses, body = :body
WHERE phone_index = :phone_index AND version = :version
"""

_DROP: Final = """
DELETE FROM phone_records WHERE rowid IN (
    SELECT rowid FROM phone_records WHERE lapses <= ? ORDER BY lapses LIMIT ?
)
"""


@dataclass(frozen=True, slots=True)
class SqlitePhoneRecords:
    """Phone records by the blind index of their phone, which itself is nowhere."""

    database: Database
    seal: PhoneSeal

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneRecord]:
        row = await self.database.row(_LOAD, (self.seal.index(phone),))
        return _BODY.versioned(*row) if row else Versioned(PhoneRecord(), 0)

    async def replace(self, phone: PhoneNumber, record: PhoneRecord, version: int) -> bool:
        values = {
            "phone_index": self.seal.index(phone),
            "lapses": micros_or_none(record.lapses_at()),
            "body": _BODY.write(record),
        }
        if version == 0:
            return bool(await self.database.changed(_ADD, values))
        return bool(await self.database.changed(_REPLACE, {**values, "version": version}))

    async def drop_lapsed(self, now: datetime, limit: int) -> int:
        return await self.database.changed(_DROP, (micros(now), limit))

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.sqlite.body import Body, micros, micros_or_none
from adapters.sqlite.database import Database
from application.ports.phone_encryption import PhoneEncryption
from application.ports.versioned import Versioned
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

_BODY: Final = Body(PhoneVerification)

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
    seal: PhoneEncryption

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        row = await self.database.row(_LOAD, (self.seal.blind_index(phone),))
        return _BODY.versioned(*row) if row else Versioned(PhoneVerification(), 0)

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        values = {
            "phone_index": self.seal.blind_index(phone),
            "lapses": micros_or_none(verification.expires_at),
            "body": _BODY.write(verification),
        }
        if version == 0:
            return bool(await self.database.changed(_ADD, values))
        return bool(await self.database.changed(_REPLACE, {**values, "version": version}))

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await self.database.changed(_DROP, (micros(now), limit))

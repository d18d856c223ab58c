"""Phone verifications in SQLite."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_verifications import (
    PHONE_VERIFICATIONS,
    encrypt_if_blocked,
    make_first_version,
    prune_record,
)
from adapters.sqlite.record_table import RecordTable, to_column
from application.ports.versioned import Versioned
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

_LIST_WITH_EXPIRED_CLIENT_IPS: Final = """
SELECT id, version, body FROM phone_verifications
WHERE client_ips_expire_at <= ? ORDER BY client_ips_expire_at LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class SqlitePhoneVerifications:
    """Phone verifications by the blind index of the phone. That of a blocked one is encrypted."""

    table: RecordTable[PhoneVerification]
    encryption: PhoneEncryption

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        """Load the record, or an empty one at version 0."""
        loaded = await self.table.load(self.encryption.blind_index(phone))
        return loaded or Versioned(PhoneVerification(), 0)

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        """Replace the record if it has this version; version 0 adds it."""
        phone_index = self.encryption.blind_index(phone)
        record = encrypt_if_blocked(verification, phone, phone_index, self.encryption)
        if version == 0:
            return await self.table.add_record(phone_index, record, make_first_version())
        return await self.table.replace_record(phone_index, record, version)

    async def prune(self, now: datetime, limit: int) -> int:
        """Prune up to `limit` records with expired client IPs, and return their number."""
        values = (to_column(now), limit)
        rows = await self.table.database.read_rows(_LIST_WITH_EXPIRED_CLIENT_IPS, values)
        pruned = 0
        for phone_index, version, body in rows:
            record = prune_record(PHONE_VERIFICATIONS.decode_record(body), now)
            pruned += await self.table.replace_record(phone_index, record, version)
        return pruned

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired records, and return their number."""
        return await self.table.delete_expired(now, limit)

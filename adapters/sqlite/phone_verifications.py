"""Phone verifications in SQLite."""

import sqlite3
from collections.abc import Awaitable
from datetime import datetime
from typing import Final

from adapters.sqlite.database import Database
from adapters.sqlite.mapping import (
    PhoneVerificationMapping,
    to_microseconds,
    to_microseconds_or_none,
)
from application.ports.phone_encryption import PhoneEncryption
from application.ports.versioned import (
    RecordVersion,
    Versioned,
    blind_index_of,
    encrypted_phone_of,
)
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber
from domain.values import dataclass

_LOAD: Final = "SELECT version, schema_version, body FROM phone_verifications WHERE phone_index = ?"

# The first version is random: a record that was loaded, expired and was deleted could otherwise
# replace a new one that has reached the same version. The values are those of `_REPLACE`.
_ADD: Final = """
INSERT INTO phone_verifications (
    phone_index, version, schema_version, expires_at, client_ips_expire_at, body
)
VALUES (?1, 1 + ?2 + (random() & 0x3fffffffffffffff), ?3, ?4, ?5, ?6)
ON CONFLICT (phone_index) DO NOTHING
"""

_REPLACE: Final = """
UPDATE phone_verifications
SET version = version + 1, schema_version = max(schema_version, ?3),
    expires_at = ?4, client_ips_expire_at = ?5, body = ?6
WHERE phone_index = ?1 AND version = ?2
"""

_LIST_WITH_EXPIRED_CLIENT_IPS: Final = """
SELECT phone_index, version, schema_version, body FROM phone_verifications
WHERE client_ips_expire_at <= ? ORDER BY client_ips_expire_at LIMIT ?
"""

_DELETE_EXPIRED: Final = """
DELETE FROM phone_verifications WHERE rowid IN (
    SELECT rowid FROM phone_verifications WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
)
"""


@dataclass(frozen=True, slots=True)
class SqlitePhoneVerifications:
    """Phone verifications by the blind index of the phone. That of a blocked one is encrypted."""

    database: Database
    encryption: PhoneEncryption
    mapping: PhoneVerificationMapping

    def load(self, phone: PhoneNumber) -> Awaitable[Versioned[PhoneVerification]]:
        """Load the record, or an empty one at version 0."""
        phone_index = self.encryption.blind_index(phone)
        return self.database.read(
            lambda connection: self._find(connection, phone, phone_index), is_quick=True
        )

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        """Replace the record if it has this version; version 0 adds it."""
        phone_index = blind_index_of(phone, version) or self.encryption.blind_index(phone)
        # Only with the phone can a block move to another index key.
        encrypted_phone = (
            self.encryption.encrypt(phone, phone_index, encrypted_phone_of(version))
            if verification.blocked_at
            else None
        )
        values = self._values(phone_index, verification, version, encrypted_phone)
        sql = _ADD if version == 0 else _REPLACE
        return bool(await self.database.execute(sql, values, is_quick=True))

    async def prune(self, now: datetime, limit: int) -> int:
        """Prune up to `limit` records with expired client IPs, and return their number."""
        values = (to_microseconds(now), limit)
        rows = await self.database.fetch_all(_LIST_WITH_EXPIRED_CLIENT_IPS, values)
        loaded = [(phone_index, self.mapping.decode(*record)) for phone_index, *record in rows]
        pruned = [
            self._values(
                phone_index,
                record.value.prune(now),
                record.version,
                encrypted_phone_of(record.version),
            )
            for phone_index, record in loaded
        ]
        return await self.database.write(
            lambda connection: max(0, connection.executemany(_REPLACE, pruned).rowcount)
        )

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired records, and return their number."""
        return await self.database.execute(_DELETE_EXPIRED, (to_microseconds(now), limit))

    def _find(
        self, connection: sqlite3.Connection, phone: PhoneNumber, phone_index: str
    ) -> Versioned[PhoneVerification]:
        row = connection.execute(_LOAD, (phone_index,)).fetchone()
        indexed_phone = phone, phone_index
        if row:
            return self.mapping.decode(*row, indexed_phone=indexed_phone)
        return Versioned(PhoneVerification(), RecordVersion(0, indexed_phone=indexed_phone))

    def _values(
        self,
        phone_index: str,
        verification: PhoneVerification,
        version: int,
        encrypted_phone: bytes | None,
    ) -> tuple[object, ...]:
        stored = self.mapping.to_stored(verification)
        stored.encrypted_phone = encrypted_phone
        return (
            phone_index,
            int(version),  # sqlite3 looks for an adapter of a subclass
            self.mapping.schema_version,
            to_microseconds_or_none(verification.expires_at),
            to_microseconds_or_none(verification.client_ips_expire_at),
            self.mapping.encode(stored, version),
        )

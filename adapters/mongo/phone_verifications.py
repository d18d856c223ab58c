"""Phone verifications in MongoDB."""

import secrets
from collections.abc import Awaitable
from datetime import datetime
from typing import Final

from adapters.mongo.batch_loader import DocumentLoader
from adapters.mongo.database import Database
from adapters.mongo.document_writer import DocumentWriter
from adapters.mongo.documents import PhoneVerificationDocument
from adapters.mongo.driver import RawDocument
from adapters.mongo.record_mapping import RecordMapping
from application.ports.phone_encryption import PhoneEncryption
from application.ports.versioned import RecordVersion, Versioned, encrypted_phone_of
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber
from domain.values import dataclass

_VERSION_BITS: Final = 62


@dataclass(frozen=True, slots=True)
class MongoPhoneVerifications:
    """Phone verifications by the blind index of the phone. That of a blocked one is encrypted."""

    database: Database
    loader: DocumentLoader
    writer: DocumentWriter
    mapping: RecordMapping[PhoneVerification]
    phone_encryption: PhoneEncryption

    def load(self, phone: PhoneNumber) -> Awaitable[Versioned[PhoneVerification]]:
        """Return the record of the phone, an empty one at version 0 if it has none."""
        return self.loader.load_as(self.phone_encryption.blind_index(phone), self._decode)

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        """Save the record if the stored one has this version."""
        phone_index = self.phone_encryption.blind_index(phone)
        if version == 0:
            encrypted_phone = self._encrypt(phone, phone_index, verification)
            return await self._add(phone_index, verification, encrypted_phone)
        stored = encrypted_phone_of(version)
        encrypted_phone = self._encrypt(phone, phone_index, verification, stored)
        return await self._replace(phone_index, verification, version, encrypted_phone)

    async def prune(self, now: datetime, limit: int) -> int:
        """Prune up to `limit` records with expired client IPs, and return their number."""
        query = PhoneVerificationDocument.find({"client_ips_expire_at": {"$lte": now}})
        documents = await self.database.list_raw(query.sort("client_ips_expire_at"), limit)
        records = [(document["_id"], self.mapping.decode(document)) for document in documents]
        return sum(
            [
                await self._replace(
                    phone_index,
                    record.value.prune(now),
                    record.version,
                    encrypted_phone_of(record.version),
                )
                for phone_index, record in records
            ]
        )

    def _decode(self, document: RawDocument | None) -> Versioned[PhoneVerification]:
        if document is None:
            return Versioned(PhoneVerification(), RecordVersion(0))
        return self.mapping.decode(document)

    def _encrypt(
        self,
        phone: PhoneNumber,
        phone_index: str,
        verification: PhoneVerification,
        stored: bytes | None = None,
    ) -> bytes | None:
        # Only with the phone can a block move to another index key.
        if verification.blocked_at is None:
            return None
        return self.phone_encryption.encrypt(phone, phone_index, stored)

    async def _replace(
        self,
        phone_index: str,
        verification: PhoneVerification,
        version: int,
        encrypted_phone: bytes | None,
    ) -> bool:
        document = self.mapping.encode_successor(verification, version)
        if encrypted_phone is not None:
            document["encrypted_phone"] = encrypted_phone
        document["_id"] = phone_index
        return await self.writer.replace(document, int(version))

    async def _add(
        self, phone_index: str, record: PhoneVerification, encrypted_phone: bytes | None
    ) -> bool:
        # The first version is random: a record that was loaded before it expired and was deleted
        # could otherwise replace a new one that has come to the same version.
        version = 1 + secrets.randbits(_VERSION_BITS)
        document = {
            "_id": phone_index,
            **self.mapping.encode(record, version),
        }
        if encrypted_phone is not None:
            document["encrypted_phone"] = encrypted_phone
        return await self.writer.add(document)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired records."""
        return await self.database.delete_expired(PhoneVerificationDocument, now, limit)

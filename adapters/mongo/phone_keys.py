"""Jobs of an operator: store phones under the current encryption key, or another index key."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pymongo
from beanie import Document

from adapters.mongo.database import Database, shared_database
from adapters.mongo.documents import (
    DatabaseMetadataDocument,
    IdentityDocument,
    LeaseDocument,
    PhoneVerificationDocument,
    RateLimitDocument,
)
from adapters.mongo.driver import errors_while_opening, latest, location_of
from adapters.mongo.metadata import METADATA_ID, check_metadata
from adapters.mongo.record_collection import RecordCollection, to_fields
from adapters.mongo.repositories import open_database
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_verifications import PHONE_VERIFICATIONS, encrypt_if_blocked
from application.ports.errors import ConfigurationError
from domain.phone import PhoneNumber

_TIMEOUT: Final = 24 * 3600.0
"""Seconds for a job over all records."""
_ENCRYPTED: Final = {"encrypted_phone": {"$exists": True}}
_WITH_PHONES: Final[tuple[type[Document], ...]] = (IdentityDocument, PhoneVerificationDocument)
_IN_USE: Final = (
    "{location} was in use a short time ago: stop all instances of the service, and start the "
    "command again after {time:%Y-%m-%dT%H:%M:%SZ}."
)


async def reencrypt_phones(url: str, encryption: PhoneEncryption) -> int:
    """Encrypt the phones with the current key that another key encrypted; return their number.

    Services may run. A record that one replaces meanwhile counts, and is left to the next call.

    Raises:
        ConfigurationError: the database cannot be used.
        StorageError
    """
    count = 0
    async with open_database(url, encryption) as database:
        with errors_while_opening(location_of(url)), pymongo.timeout(_TIMEOUT):
            for document in _WITH_PHONES:
                collection = latest(database.collection(document))
                async for raw in collection.find(_ENCRYPTED, {"encrypted_phone": 1, "version": 1}):
                    stored = raw["encrypted_phone"]
                    phone = encryption.decrypt(stored, raw["_id"])
                    encrypted = encryption.encrypt(phone, raw["_id"], stored)
                    if encrypted != stored:
                        count += 1
                        changes = {
                            "$set": {"encrypted_phone": encrypted},
                            "$inc": {"version": 1},
                        }
                        unchanged = {"_id": raw["_id"], "version": raw["version"]}
                        await collection.update_one(unchanged, changes)
    return count


async def check_unused(url: str, encryption: PhoneEncryption, now: datetime) -> None:
    """Check that the index key can be changed now; nothing is changed.

    Raises:
        ConfigurationError: a service used the database recently, or it cannot be used.
    """
    location = location_of(url)
    async with shared_database(url, location) as database:
        with errors_while_opening(location):
            await check_metadata(database, location, encryption.key_fingerprint())
            await _check_unused(database, location, now)


async def change_index_key(
    url: str, old: PhoneEncryption, new: PhoneEncryption, now: datetime
) -> int:
    """Move all phone verifications to the new index key, and return how many are kept.

    The metadata says that it is unfinished, so that no service starts; after a crash the next call
    continues. Client IP hashes are dropped, and phone verifications that would expire.

    Raises:
        ConfigurationError: a service used the database recently, or it cannot be used.
    """
    location = location_of(url)
    async with shared_database(url, location) as database:
        with errors_while_opening(location), pymongo.timeout(_TIMEOUT):
            metadata = database.collection(DatabaseMetadataDocument)
            current = await latest(metadata).find_one({"_id": METADATA_ID}) or {}
            is_changed = current.get("key_fingerprint") == new.key_fingerprint()
            if not is_changed:
                await check_metadata(database, location, old.key_fingerprint())
                await _check_unused(database, location, now)
                started = {
                    "key_fingerprint": new.key_fingerprint(),
                    "unfinished_index_key": old.key_fingerprint(),
                }
                await metadata.update_one({"_id": METADATA_ID}, {"$set": started})
            if not is_changed or "unfinished_index_key" in current:
                await _Move(database, old, new).move_all()
                finished = {"$unset": {"unfinished_index_key": 1}}
                await metadata.update_one({"_id": METADATA_ID}, finished)
            verifications = latest(database.collection(PhoneVerificationDocument))
            return await verifications.count_documents({})


async def _check_unused(database: Database, location: str, now: datetime) -> None:
    # Each running service renews the lease of the cleanup.
    leases = latest(database.collection(LeaseDocument))
    lease = await leases.find_one({"expires_at": {"$gt": now}}, sort=[("expires_at", -1)])
    if lease is not None:
        raise ConfigurationError(_IN_USE.format(location=location, time=lease["expires_at"]))


@dataclass(frozen=True, slots=True)
class _Move:
    """Move the phone verifications; each step is harmless when it is repeated."""

    database: Database
    old: PhoneEncryption
    new: PhoneEncryption

    async def move_all(self) -> None:
        for document in _WITH_PHONES:
            collection = latest(self.database.collection(document))
            async for raw in collection.find(_ENCRYPTED, {"encrypted_phone": 1}):
                await self._move(self.old.decrypt(raw["encrypted_phone"], raw["_id"]))
        verifications = self.database.collection(PhoneVerificationDocument)
        await verifications.delete_many({"expires_at": {"$exists": True}})
        with_hashes = {"_id": {"$regex": "^reservation:|:(network|range|phone):"}}
        await self.database.collection(RateLimitDocument).delete_many(with_hashes)

    async def _move(self, phone: PhoneNumber) -> None:
        old_index, new_index = self.old.blind_index(phone), self.new.blind_index(phone)
        records = RecordCollection.of(self.database, PhoneVerificationDocument, PHONE_VERIFICATIONS)
        document = await records.collection.find_one({"_id": old_index})
        if document is None:
            return  # Moved before.
        verification = PHONE_VERIFICATIONS.convert(to_fields(document)).drop_client_ips()
        moved = encrypt_if_blocked(verification, phone, new_index, self.new)
        await records.collection.delete_one({"_id": new_index})
        await records.add_record(new_index, moved, document["version"] + 1)
        await records.collection.delete_one({"_id": old_index})

"""Jobs of an operator: store phones under the current encryption key, or another index key."""

from datetime import datetime
from typing import Final

import pymongo

from adapters.mongo.database import Database, shared_database
from adapters.mongo.documents import (
    DatabaseMetadataDocument,
    IdentityDocument,
    LeaseDocument,
    PhoneVerificationDocument,
    RateLimitDocument,
)
from adapters.mongo.driver import errors_while_opening, latest, location_of
from adapters.mongo.mapping import Mappings
from adapters.mongo.metadata import METADATA_ID, check_metadata
from adapters.mongo.record_mapping import RecordMapping
from adapters.mongo.repositories import open_mongo_repositories
from application.ports.errors import ConfigurationError
from application.ports.phone_encryption import PhoneEncryption
from application.ports.repositories import Repositories
from application.ports.versioned import encrypted_phone_of
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber
from domain.values import dataclass

_TIMEOUT: Final = 24 * 3600.0
"""Seconds for a job over all records."""
_UNKNOWN_BLOCKS: Final = {
    "blocked_at": {"$exists": True},
    "encrypted_phone": {"$exists": False},
    "identity_id": {"$exists": False},
}
_IN_USE: Final = (
    "{location} was in use a short time ago: stop all instances of the service, and start the "
    "command again after {time:%Y-%m-%dT%H:%M:%SZ}."
)
_BLOCKS: Final = (
    "{location} has {count} blocked phones without a stored number, because an earlier version "
    "blocked them: unblock and block each of them, and start the command again."
)


async def reencrypt_phones(url: str, encryption: PhoneEncryption) -> int:
    """Encrypt the phones with the current key that another key encrypted; return their number.

    Services may run. A record that one replaces meanwhile counts, and is left to the next call.

    Raises:
        ConfigurationError: the database cannot be used.
        StorageError
    """
    location = location_of(url)
    async with (
        open_mongo_repositories(url, encryption) as repositories,
        shared_database(url, location) as database,
    ):
        with errors_while_opening(location), pymongo.timeout(_TIMEOUT):
            return await _reencrypt_all(database, repositories, encryption)


async def _reencrypt_all(
    database: Database, repositories: Repositories, encryption: PhoneEncryption
) -> int:
    count, mappings = 0, Mappings.of(encryption)
    identities = latest(database.collection(IdentityDocument))
    async for document in identities.find({"encrypted_phone": {"$exists": True}}):
        loaded = mappings.identities.decode(document)
        identity, stored = loaded.value, encrypted_phone_of(loaded.version)
        if identity.phone and encryption.encrypt(identity.phone, identity.id, stored) != stored:
            count += 1
            await repositories.identities.replace(identity, loaded.version)
    verifications = latest(database.collection(PhoneVerificationDocument))
    async for document in verifications.find({"encrypted_phone": {"$exists": True}}):
        verification = mappings.phone_verifications.decode(document)
        stored = document["encrypted_phone"]
        phone = encryption.decrypt(stored, document["_id"])
        if encryption.encrypt(phone, document["_id"], stored) != stored:
            count += 1
            await repositories.phone_verifications.replace(
                phone, verification.value, verification.version
            )
    return count


async def check_unused(url: str, encryption: PhoneEncryption, now: datetime) -> None:
    """Check that the index key can be changed now; nothing is changed.

    Raises:
        ConfigurationError: a service used the database recently, a block cannot be moved, or it
            cannot be used.
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
            if current.get("key_fingerprint") != new.key_fingerprint():
                await check_metadata(database, location, old.key_fingerprint())
                await _check_unused(database, location, now)
                started = {
                    "key_fingerprint": new.key_fingerprint(),
                    "unfinished_index_key": old.key_fingerprint(),
                }
                await metadata.update_one({"_id": METADATA_ID}, {"$set": started})
            elif "unfinished_index_key" not in current:
                return await _count(database)
            mapping = Mappings.of(old).phone_verifications
            await _Move(database, mapping, old, new).move_all()
            await metadata.update_one({"_id": METADATA_ID}, {"$unset": {"unfinished_index_key": 1}})
            return await _count(database)


async def _count(database: Database) -> int:
    return await latest(database.collection(PhoneVerificationDocument)).count_documents({})


async def _check_unused(database: Database, location: str, now: datetime) -> None:
    # Each running service renews the lease of the cleanup.
    leases = latest(database.collection(LeaseDocument))
    lease = await leases.find_one({"expires_at": {"$gt": now}}, sort=[("expires_at", -1)])
    if lease is not None:
        raise ConfigurationError(_IN_USE.format(location=location, time=lease["expires_at"]))
    verifications = latest(database.collection(PhoneVerificationDocument))
    unknown_blocks = await verifications.count_documents(_UNKNOWN_BLOCKS)
    if unknown_blocks:
        raise ConfigurationError(_BLOCKS.format(location=location, count=unknown_blocks))


@dataclass(frozen=True, slots=True)
class _Move:
    """Move the phone verifications; each step is harmless when it is repeated."""

    database: Database
    mapping: RecordMapping[PhoneVerification]
    old: PhoneEncryption
    new: PhoneEncryption

    async def move_all(self) -> None:
        identities = latest(self.database.collection(IdentityDocument))
        verifications = latest(self.database.collection(PhoneVerificationDocument))
        encrypted = {"encrypted_phone": {"$exists": True}}
        async for document in identities.find(encrypted, {"encrypted_phone": 1}):
            phone = self.old.decrypt(document["encrypted_phone"], document["_id"])
            await self._move(phone)
        async for document in verifications.find(encrypted, {"encrypted_phone": 1}):
            await self._move(self.old.decrypt(document["encrypted_phone"], document["_id"]))
        await verifications.delete_many({"expires_at": {"$exists": True}})
        await self.database.collection(RateLimitDocument).delete_many(
            {"_id": {"$regex": ":(network|range|phone):"}}
        )

    async def _move(self, phone: PhoneNumber) -> None:
        verifications = latest(self.database.collection(PhoneVerificationDocument))
        old_index, new_index = self.old.blind_index(phone), self.new.blind_index(phone)
        document = await verifications.find_one({"_id": old_index})
        if document is None:
            return  # Moved before.
        loaded = self.mapping.decode(document)
        verification = loaded.value.drop_client_ips()
        moved = self.mapping.encode_successor(verification, loaded.version)
        if verification.blocked_at is not None:
            moved["encrypted_phone"] = self.new.encrypt(phone, new_index)
        await verifications.replace_one({"_id": new_index}, moved, upsert=True)
        await verifications.delete_one({"_id": old_index})

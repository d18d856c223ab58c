"""Jobs of an operator: store phones under the current encryption key, or another index key."""

from collections.abc import AsyncIterator
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
from adapters.mongo.driver import RawDocument, errors_while_opening, latest, location_of
from adapters.mongo.metadata import METADATA_ID, check_metadata
from adapters.mongo.record_collection import RecordCollection
from adapters.mongo.repositories import open_database
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_verifications import PHONE_VERIFICATIONS, encrypt_if_blocked
from application.ports.errors import ConfigurationError
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

_TIMEOUT: Final = 24 * 3600.0
"""Seconds for a job over all records."""
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
            async for document, raw in _list_encrypted():
                stored = raw["encrypted_phone"]
                encrypted = encryption.reencrypt(stored, raw["_id"])
                if encrypted != stored:
                    count += 1
                    changes = {"$set": {"encrypted_phone": encrypted}, "$inc": {"version": 1}}
                    unchanged = {"_id": raw["_id"], "version": raw["version"]}
                    await database.collection(document).update_one(unchanged, changes)
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
                await _move_all(database, old, new)
                finished = {"$unset": {"unfinished_index_key": 1}}
                await metadata.update_one({"_id": METADATA_ID}, finished)
            verifications = latest(database.collection(PhoneVerificationDocument))
            return await verifications.count_documents({})


async def _list_encrypted() -> AsyncIterator[tuple[type[Document], RawDocument]]:
    """Yield the documents with an encrypted phone."""
    for document in (IdentityDocument, PhoneVerificationDocument):
        async for raw in document.find({"encrypted_phone": {"$exists": True}}).motor_cursor:
            yield document, raw


async def _check_unused(database: Database, location: str, now: datetime) -> None:
    # Each running service renews the lease of the cleanup.
    leases = latest(database.collection(LeaseDocument))
    lease = await leases.find_one({"expires_at": {"$gt": now}}, sort=[("expires_at", -1)])
    if lease is not None:
        raise ConfigurationError(_IN_USE.format(location=location, time=lease["expires_at"]))


async def _move_all(database: Database, old: PhoneEncryption, new: PhoneEncryption) -> None:
    """Move the phone verifications; each step is harmless when it is repeated."""
    records = RecordCollection(database, PhoneVerificationDocument, PHONE_VERIFICATIONS)
    async for _, raw in _list_encrypted():
        await _move(records, old.decrypt(raw["encrypted_phone"], raw["_id"]), old, new)
    await records.collection.delete_many({"expires_at": {"$exists": True}})
    with_hashes = {"_id": {"$regex": "^reservation:|:(network|range|phone):"}}
    await database.collection(RateLimitDocument).delete_many(with_hashes)


async def _move(
    records: RecordCollection[PhoneVerification],
    phone: PhoneNumber,
    old: PhoneEncryption,
    new: PhoneEncryption,
) -> None:
    old_index, new_index = old.blind_index(phone), new.blind_index(phone)
    document = await records.collection.find_one({"_id": old_index})
    if document is None:
        return  # Moved before.
    loaded = records.read(document)
    moved = encrypt_if_blocked(loaded.value.drop_client_ips(), phone, new_index, new)
    changed = {"_id": new_index, "version": loaded.version + 1, **records.fields_of(moved)}
    for name, field in document.items():
        if name not in records.mapping.field_names:
            changed.setdefault(name, field)  # A newer program has written it.
    await records.collection.replace_one({"_id": new_index}, changed, upsert=True)
    await records.collection.delete_one({"_id": old_index})

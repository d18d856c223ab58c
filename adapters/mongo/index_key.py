"""A job of an operator: another index key for the phones."""

from datetime import datetime
from functools import partial

from adapters.mongo.database import connect, create_indexes
from adapters.mongo.documents import METADATA_COLLECTION
from adapters.mongo.driver import errors_while_opening, latest, location_of
from adapters.mongo.metadata import METADATA_ID, check_metadata
from adapters.mongo.opening import stores_in
from adapters.records.database_metadata import check_schema_version
from adapters.records.kinds import PHONE_VERIFICATIONS
from adapters.records.outages import OutageRetries
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_keys import (
    ReportProgress,
    check_stopped,
    move_phone_verifications,
    report_nothing,
)


async def check_unused(url: str, encryption: PhoneEncryption, now: datetime) -> None:
    """Check that the index key can be changed now; nothing is changed.

    Raises:
        ConfigurationError: a service used the database recently, or it cannot be used.
        StorageError
    """
    location = location_of(url)
    async with connect(url, location) as database:
        with errors_while_opening(location, database.find_connection_problem):
            await check_metadata(database, location, encryption.key_fingerprint())
        await check_stopped(stores_in(database).records, location, now)


async def change_index_key(
    url: str,
    old: PhoneEncryption,
    new: PhoneEncryption,
    now: datetime,
    report: ReportProgress = report_nothing,
) -> int:
    """Move all phone verifications to the new index key, and return how many are kept.

    The metadata says that it is unfinished, so that no service starts; after a crash the next call
    continues.

    Raises:
        ConfigurationError: a service used the database recently, or it cannot be used.
        CorruptRecord
        StorageError
    """
    location = location_of(url)
    async with connect(url, location) as database:
        metadata = database.motor[METADATA_COLLECTION]
        with errors_while_opening(location, database.find_connection_problem):
            current = await latest(metadata).find_one({"_id": METADATA_ID}) or {}
            if current:
                check_schema_version(current.get("schema_version"), location)
            is_changed = current.get("key_fingerprint") == new.key_fingerprint()
            if not is_changed:
                await check_metadata(database, location, old.key_fingerprint())
                await check_stopped(stores_in(database).records, location, now)
                started = {
                    "key_fingerprint": new.key_fingerprint(),
                    "unfinished_index_key": old.key_fingerprint(),
                }
                await metadata.update_one({"_id": METADATA_ID}, {"$set": started})
            elif "unfinished_index_key" not in current:
                verifications = latest(database.motor[PHONE_VERIFICATIONS.name])
                return await verifications.count_documents({})
            # The last start may have been that of an older version.
            await create_indexes(database, location)
        moved = await move_phone_verifications(stores_in(database), old, new, report)
        finished = {"$unset": {"unfinished_index_key": 1}}
        finish = partial(metadata.update_one, {"_id": METADATA_ID}, finished)
        await OutageRetries()(lambda: database.run(finish))
        return moved

"""A job of an operator: another index key for the phones."""

from datetime import datetime

from adapters.postgres.database import open_pool
from adapters.postgres.dialect import POSTGRES
from adapters.postgres.metadata import check, create_missing, find_metadata, inspect
from adapters.postgres.opening import connect, stores_in
from adapters.postgres.url import parse_url
from adapters.records.database import Database
from adapters.records.kinds import PHONE_VERIFICATIONS
from adapters.records.outages import OutageRetries
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_keys import (
    ReportProgress,
    check_stopped,
    move_phone_verifications,
    report_nothing,
)
from adapters.sql.metadata import FINISH_KEY_CHANGE, start_key_change

_COUNT = f"SELECT count(*) FROM {PHONE_VERIFICATIONS.name}"  # noqa: S608 -- our text


async def check_unused(url: str, encryption: PhoneEncryption, now: datetime) -> None:
    """Check that the index key can be changed now; nothing is changed.

    Raises:
        ConfigurationError: A service used the database recently, or it cannot be used.
        StorageError
    """
    parsed = parse_url(url)
    async with connect(parsed) as connection:
        if await inspect(connection, parsed.location, encryption.key_fingerprint()) is None:
            return
    async with open_pool(parsed) as database:
        await check_stopped(stores_in(database).records, parsed.location, now)


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
        ConfigurationError: A service used the database recently, or it cannot be used.
        CorruptRecord
        StorageError
    """
    parsed = parse_url(url)
    location = parsed.location
    async with open_pool(parsed) as database:
        stores: Database = stores_in(database)
        async with connect(parsed) as connection:
            current = await find_metadata(connection, location)
            if current is None or current.key_fingerprint != new.key_fingerprint():
                await check(connection, location, old.key_fingerprint())
                async with connection.transaction():
                    # The last start may have been that of an older version.
                    await create_missing(connection, location)
                await check_stopped(stores.records, location, now)
                fingerprints = (new.key_fingerprint(), old.key_fingerprint())
                await connection.execute(start_key_change(POSTGRES), fingerprints)
            elif current.unfinished_index_key is None:
                cursor = await connection.execute(_COUNT)
                [(kept,)] = await cursor.fetchall()
                return int(kept)
        # It may take hours, in which this connection would be lost.
        moved = await move_phone_verifications(stores, old, new, report)
        await OutageRetries()(lambda: database.write(FINISH_KEY_CHANGE))
        return moved

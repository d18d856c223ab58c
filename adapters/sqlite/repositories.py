"""All repositories over one SQLite file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.records.calls import CALLS
from adapters.records.delivery_reports import DELIVERY_REPORTS
from adapters.records.idempotency_keys import IDEMPOTENCY_KEYS
from adapters.records.identities import IdentityMapping
from adapters.records.media_items import MEDIA_ITEMS
from adapters.records.media_usages import MEDIA_USAGES
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_verifications import PHONE_VERIFICATIONS, PhoneVerificationRepository
from adapters.sqlite.calls import SqliteCalls
from adapters.sqlite.database import Database, open_database
from adapters.sqlite.identities import SqliteIdentities
from adapters.sqlite.leases import SqliteLeases
from adapters.sqlite.media_items import SqliteMediaItems, SqliteMediaUsages
from adapters.sqlite.rate_limits import SqliteRateLimits
from adapters.sqlite.record_table import RecordTable
from application.ports.repositories import Repositories


@asynccontextmanager
async def open_sqlite_repositories(
    path: Path, encryption: PhoneEncryption
) -> AsyncIterator[Repositories]:
    """Open the repositories in a file, which is created if it is missing.

    At the end of the block, operations that have begun are finished, and the file is complete
    without its log.

    Raises:
        ConfigurationError: The file cannot be used; the message is for the operator.
    """
    async with open_database(path, encryption.key_fingerprint()) as database:
        yield repositories_of(database, encryption)


def repositories_of(database: Database, encryption: PhoneEncryption) -> Repositories:
    """Return all repositories over an open database."""
    identities = SqliteIdentities(database, IdentityMapping(encryption))
    media_items = SqliteMediaItems(database, MEDIA_ITEMS)
    calls = SqliteCalls(database, CALLS)
    verifications = RecordTable(database, PHONE_VERIFICATIONS)
    return Repositories(
        phone_verifications=PhoneVerificationRepository(verifications, encryption),
        rate_limiter=SqliteRateLimits(database),
        identities=identities,
        media_items=media_items,
        media_usages=SqliteMediaUsages(database, MEDIA_USAGES),
        idempotency_keys=RecordTable(database, IDEMPOTENCY_KEYS),
        calls=calls,
        delivery_reports=RecordTable(database, DELIVERY_REPORTS),
        leases=SqliteLeases(database),
        health=database,
    )

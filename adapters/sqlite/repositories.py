"""All repositories over one SQLite file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.sqlite.calls import SqliteCallCleanup, SqliteCallPages, SqliteCalls
from adapters.sqlite.database import Database, open_database
from adapters.sqlite.delivery_reports import SqliteDeliveryReports
from adapters.sqlite.health_check import SqliteHealthCheck
from adapters.sqlite.identities import SqliteDeletedIdentities, SqliteIdentities
from adapters.sqlite.identity_cache import IdentityCache
from adapters.sqlite.leases import SqliteLeases
from adapters.sqlite.mapping import (
    CallMapping,
    DeliveryReportMapping,
    IdentityMapping,
    MediaItemMapping,
    PhoneVerificationMapping,
)
from adapters.sqlite.media_items import SqliteMediaCleanup, SqliteMediaItems, SqliteMediaPages
from adapters.sqlite.phone_verifications import SqlitePhoneVerifications
from adapters.sqlite.rate_limits import SqliteRateLimits
from adapters.sqlite.row_loader import RowLoader
from application.ports.phone_encryption import PhoneEncryption
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
    identity_mapping = IdentityMapping(encryption)
    media_mapping = MediaItemMapping()
    call_mapping = CallMapping()
    return Repositories(
        phone_verifications=SqlitePhoneVerifications(
            database, encryption, PhoneVerificationMapping(encryption)
        ),
        rate_limiter=SqliteRateLimits(database),
        identities=SqliteIdentities(
            database,
            RowLoader(database, "identities", "id"),
            IdentityCache(database),
            identity_mapping,
        ),
        deleted_identities=SqliteDeletedIdentities(database, identity_mapping),
        media_items=SqliteMediaItems(database, media_mapping),
        media_pages=SqliteMediaPages(database, media_mapping),
        media_cleanup=SqliteMediaCleanup(database, media_mapping),
        calls=SqliteCalls(database, call_mapping),
        call_pages=SqliteCallPages(database, call_mapping),
        call_cleanup=SqliteCallCleanup(database, call_mapping),
        delivery_reports=SqliteDeliveryReports(database, DeliveryReportMapping()),
        leases=SqliteLeases(database),
        health=SqliteHealthCheck(database),
    )

"""All repositories over one SQLite file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.sqlite.database import Database, open_database
from adapters.sqlite.health_check import SqliteHealthCheck
from adapters.sqlite.identities import SqliteDeletedIdentities, SqliteIdentities
from adapters.sqlite.mapping import IdentityMapping, MediaItemMapping, PhoneVerificationMapping
from adapters.sqlite.media_items import SqliteMediaCleanup, SqliteMediaItems, SqliteMediaPages
from adapters.sqlite.phone_verifications import SqlitePhoneVerifications
from adapters.sqlite.rate_limits import SqliteRateLimits
from application.ports.phone_seal import PhoneSeal
from application.ports.records import Records


@asynccontextmanager
async def open_sqlite_repositories(path: Path, encryption: PhoneSeal) -> AsyncIterator[Records]:
    """Open the repositories in a file, which is created if it is missing.

    At the end of the block, operations that have begun are finished, and the file is complete
    without its log.

    Raises:
        NotUsable: The file cannot be used; the message is for the operator.
    """
    async with open_database(path, encryption.fingerprint()) as database:
        yield repositories_of(database, encryption)


def repositories_of(database: Database, encryption: PhoneSeal) -> Records:
    """Return all repositories over an open database."""
    identity_mapping = IdentityMapping(encryption)
    media_mapping = MediaItemMapping()
    return Records(
        phone_records=SqlitePhoneVerifications(database, encryption, PhoneVerificationMapping()),
        budgets=SqliteRateLimits(database),
        identities=SqliteIdentities(database, identity_mapping),
        tombstones=SqliteDeletedIdentities(database, identity_mapping),
        media_items=SqliteMediaItems(database, media_mapping),
        media_pages=SqliteMediaPages(database, media_mapping),
        media_leftovers=SqliteMediaCleanup(database, media_mapping),
        probe=SqliteHealthCheck(database),
    )

"""All repositories over one SQLite file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.records import (
    CALLS,
    DELIVERY_REPORTS,
    IDEMPOTENCY_KEYS,
    MEDIA_ITEMS,
    MEDIA_USAGES,
    PHONE_VERIFICATIONS,
    IdentityMapping,
)
from adapters.records.phone_encryption import PhoneEncryption
from adapters.sqlite.calls import SqliteCallCleanup, SqliteCallPages, SqliteCalls
from adapters.sqlite.database import Database, open_database
from adapters.sqlite.delivery_reports import SqliteDeliveryReports
from adapters.sqlite.health_check import SqliteHealthCheck
from adapters.sqlite.idempotency_keys import SqliteIdempotencyKeys
from adapters.sqlite.identities import SqliteDeletedIdentities, SqliteIdentities
from adapters.sqlite.leases import SqliteLeases
from adapters.sqlite.media_items import SqliteMediaCleanup, SqliteMediaItems, SqliteMediaPages
from adapters.sqlite.media_usages import SqliteMediaUsages
from adapters.sqlite.phone_verifications import SqlitePhoneVerifications
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
    identities = RecordTable(
        database,
        IdentityMapping(encryption),
        ("username_key", "deleted_at", "purged_at", "expires_at"),
    )
    verifications = RecordTable(
        database, PHONE_VERIFICATIONS, ("expires_at", "client_ips_expire_at")
    )
    media_items = RecordTable(
        database,
        MEDIA_ITEMS,
        (
            "owner_id",
            "kind",
            "category",
            "created_at",
            "state",
            "upload_deadline",
            "deletion_requested_at",
        ),
    )
    calls = RecordTable(
        database, CALLS, ("started_at", "identity_id", "oldest_recording_at", "unfinished_since")
    )
    delivery_reports = RecordTable(database, DELIVERY_REPORTS, ("expires_at",))
    idempotency_keys = RecordTable(database, IDEMPOTENCY_KEYS, ("expires_at",))
    return Repositories(
        phone_verifications=SqlitePhoneVerifications(verifications, encryption),
        rate_limiter=SqliteRateLimits(database),
        identities=SqliteIdentities(identities),
        deleted_identities=SqliteDeletedIdentities(database, identities),
        media_items=SqliteMediaItems(media_items),
        media_pages=SqliteMediaPages(database),
        media_cleanup=SqliteMediaCleanup(media_items),
        media_usages=SqliteMediaUsages(RecordTable(database, MEDIA_USAGES, ("recount_at",))),
        idempotency_keys=SqliteIdempotencyKeys(idempotency_keys),
        calls=SqliteCalls(calls),
        call_pages=SqliteCallPages(calls),
        call_cleanup=SqliteCallCleanup(calls),
        delivery_reports=SqliteDeliveryReports(delivery_reports),
        leases=SqliteLeases(database),
        health=SqliteHealthCheck(database),
    )

"""All repositories over one MongoDB database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import Self

import pymongo
from pymongo.monitoring import CommandListener

from adapters.mongo.batch_loader import DocumentLoader
from adapters.mongo.batch_sizing import BatchSizing
from adapters.mongo.calls import MongoCallCleanup, MongoCallPages, MongoCalls
from adapters.mongo.database import Database, shared_database
from adapters.mongo.delivery_reports import MongoDeliveryReports
from adapters.mongo.document_writer import DocumentWriter
from adapters.mongo.documents import (
    CallDocument,
    DatabaseMetadataDocument,
    DeliveryReportDocument,
    IdentityDocument,
    LeaseDocument,
    MediaItemDocument,
    PhoneVerificationDocument,
    RateLimitDocument,
)
from adapters.mongo.documents.base import RecordDocument
from adapters.mongo.driver import (
    MotorCollection,
    errors_while_opening,
    latest,
    location_of,
    with_naive_times,
)
from adapters.mongo.identities import MongoDeletedIdentities, MongoIdentities
from adapters.mongo.identity_loader import IdentityLoader
from adapters.mongo.indexes import create_indexes
from adapters.mongo.leases import MongoLeases
from adapters.mongo.mapping import Mappings
from adapters.mongo.media_item_changes import MediaItemChanges, begin_to_number
from adapters.mongo.media_items import MongoMediaCleanup, MongoMediaItems, MongoMediaPages
from adapters.mongo.metadata import (
    CREATION_TIMEOUT,
    MongoHealthCheck,
    check_metadata,
    inspect_metadata,
)
from adapters.mongo.phone_verifications import MongoPhoneVerifications
from adapters.mongo.rate_limit_batches import RateLimitBatches
from adapters.mongo.rate_limits import MongoRateLimits
from application.ports.phone_encryption import PhoneEncryption
from application.ports.repositories import Repositories
from domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Loaders:
    """The point reads of one open database, and some of its writes, in batches of a kind."""

    phone_verifications: DocumentLoader
    changed_phone_verifications: DocumentWriter
    rate_limits: RateLimitBatches
    identities: IdentityLoader
    deleted_identities: DocumentLoader
    media_items: DocumentLoader
    media_items_by_storage_key: DocumentLoader
    media_item_changes: DocumentLoader
    calls: DocumentLoader
    delivery_reports: DocumentLoader

    @classmethod
    def of(cls, database: Database, mappings: Mappings) -> Self:
        """Make them for an open database."""

        def records(document: type[RecordDocument]) -> MotorCollection:
            return with_naive_times(latest(database.collection(document)))

        phone_verifications = records(PhoneVerificationDocument)
        identities, media_items = records(IdentityDocument), records(MediaItemDocument)
        # Requests for codes, and attempts to verify them, go through all three.
        sizing = BatchSizing()
        return cls(
            phone_verifications=DocumentLoader(database, phone_verifications, sizing=sizing),
            changed_phone_verifications=DocumentWriter(database, phone_verifications, sizing),
            rate_limits=RateLimitBatches(
                database, latest(database.collection(RateLimitDocument)), sizing
            ),
            identities=IdentityLoader(database, identities, mappings.identities),
            deleted_identities=DocumentLoader(
                database,
                identities,
                projection={"_id": 1},
                filters={"deleted_at": {"$exists": True}},
            ),
            media_items=DocumentLoader(database, media_items),
            # Not the latest, which a page may not show yet.
            media_item_changes=DocumentLoader(database, database.collection(MediaItemDocument)),
            media_items_by_storage_key=DocumentLoader(database, media_items, key="storage_key"),
            calls=DocumentLoader(database, records(CallDocument)),
            delivery_reports=DocumentLoader(database, records(DeliveryReportDocument)),
        )

    async def finish(self) -> None:
        """Return when no batch is under way."""
        loaders: list[DocumentLoader | IdentityLoader | DocumentWriter | RateLimitBatches] = [
            getattr(self, field.name) for field in fields(self)
        ]
        await asyncio.gather(*(loader.finish() for loader in loaders))


@asynccontextmanager
async def open_mongo_repositories(
    url: str, phone_encryption: PhoneEncryption
) -> AsyncIterator[Repositories]:
    """Open the repositories in this database, which is created if it is new.

    - A process may open one database at a time, as often as it likes.
    - Batches that are under way at the end of the block are finished.

    Raises:
        ConfigurationError: the database cannot be used; the message is for the operator.
    """
    async with open_database(url, phone_encryption) as database:
        mappings = Mappings.of(phone_encryption)
        loaders = Loaders.of(database, mappings)
        try:
            yield repositories_in(database, loaders, phone_encryption, mappings)
        finally:
            await loaders.finish()


@asynccontextmanager
async def open_database(
    url: str, phone_encryption: PhoneEncryption, listeners: Sequence[CommandListener] = ()
) -> AsyncIterator[Database]:
    """Connect to the database, check its metadata, and create missing indexes.

    Raises:
        ConfigurationError
    """
    location = location_of(url)
    async with shared_database(url, location, listeners) as database:
        with errors_while_opening(location, database.find_tls_problem):
            await check_metadata(database, location, phone_encryption.key_fingerprint())
            await create_indexes(database, location)
            with pymongo.timeout(CREATION_TIMEOUT):
                await begin_to_number(database.collection(MediaItemDocument))
        yield database


async def inspect_database(url: str, key_fingerprint: str | None) -> int | None:
    """Check whether `open_database` would succeed, without creating or changing anything.

    Args:
        url: The URL of the database.
        key_fingerprint: That of the keys, if it is known.

    Returns:
        The schema version, or None if the database is new.

    Raises:
        ConfigurationError
    """
    location = location_of(url)
    async with shared_database(url, location) as database:
        with errors_while_opening(location):
            return await inspect_metadata(database, location, key_fingerprint)


def repositories_in(
    database: Database, loaders: Loaders, phone_encryption: PhoneEncryption, mappings: Mappings
) -> Repositories:
    """Make all repositories over an open database."""
    identities = latest(database.collection(IdentityDocument))
    media_items = latest(database.collection(MediaItemDocument))
    calls = latest(database.collection(CallDocument))
    delivery_reports = latest(database.collection(DeliveryReportDocument))
    metadata = database.collection(DatabaseMetadataDocument)
    item_changes = MediaItemChanges(database, media_items, loaders.media_item_changes)
    return Repositories(
        phone_verifications=MongoPhoneVerifications(
            database,
            loaders.phone_verifications,
            loaders.changed_phone_verifications,
            mappings.phone_verifications,
            phone_encryption,
        ),
        rate_limiter=MongoRateLimits(database, loaders.rate_limits),
        identities=MongoIdentities(
            database, identities, loaders.identities, item_changes, mappings.identities
        ),
        deleted_identities=MongoDeletedIdentities(
            database, loaders.deleted_identities, mappings.identities
        ),
        media_items=MongoMediaItems(
            database,
            media_items,
            loaders.media_items,
            loaders.media_items_by_storage_key,
            item_changes,
            mappings.media_items,
        ),
        media_pages=MongoMediaPages(
            database,
            with_naive_times(database.collection(MediaItemDocument)),
            item_changes,
            mappings.media_items,
        ),
        media_cleanup=MongoMediaCleanup(database, mappings.media_items),
        calls=MongoCalls(database, calls, loaders.calls, mappings.calls),
        call_pages=MongoCallPages(database, mappings.calls),
        call_cleanup=MongoCallCleanup(database, calls, mappings.calls),
        delivery_reports=MongoDeliveryReports(
            database, delivery_reports, loaders.delivery_reports, mappings.delivery_reports
        ),
        leases=MongoLeases(database, latest(database.collection(LeaseDocument))),
        health=MongoHealthCheck(database, metadata),
    )

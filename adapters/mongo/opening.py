"""All repositories over one MongoDB database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pymongo.monitoring import CommandListener

from adapters.mongo.calls import MongoCalls
from adapters.mongo.database import Database, create_indexes, shared_database
from adapters.mongo.documents import (
    CallDocument,
    DatabaseMetadataDocument,
    DeliveryReportDocument,
    IdempotencyKeyDocument,
    LeaseDocument,
    MediaItemDocument,
    MediaUsageDocument,
    PhoneVerificationDocument,
)
from adapters.mongo.driver import errors_while_opening, latest, location_of
from adapters.mongo.identities import MongoIdentities
from adapters.mongo.leases import MongoLeases
from adapters.mongo.media_items import MongoMediaItems, MongoMediaUsages
from adapters.mongo.metadata import MongoHealthCheck, check_metadata, inspect_metadata
from adapters.mongo.rate_limits import MongoRateLimits
from adapters.mongo.record_collection import RecordCollection
from adapters.records.calls import CALLS
from adapters.records.delivery_reports import DELIVERY_REPORTS
from adapters.records.idempotency_keys import IDEMPOTENCY_KEYS
from adapters.records.identities import IdentityMapping
from adapters.records.media_items import MEDIA_ITEMS
from adapters.records.media_usages import MEDIA_USAGES
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_verifications import PHONE_VERIFICATIONS, PhoneVerificationRepository
from application.ports.repositories import Repositories


@asynccontextmanager
async def open_mongo_repositories(
    url: str, phone_encryption: PhoneEncryption
) -> AsyncIterator[Repositories]:
    """Open the repositories in this database, which is created if it is new.

    A process may open one database at a time, as often as it likes.

    Raises:
        ConfigurationError: the database cannot be used; the message is for the operator.
    """
    async with open_database(url, phone_encryption) as database:
        yield repositories_in(database, phone_encryption)


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


def repositories_in(database: Database, encryption: PhoneEncryption) -> Repositories:
    """Make all repositories over an open database."""
    verifications = RecordCollection(database, PhoneVerificationDocument, PHONE_VERIFICATIONS)
    identities = MongoIdentities(database, IdentityMapping(encryption))
    items = MongoMediaItems(database, MediaItemDocument, MEDIA_ITEMS)
    calls = MongoCalls(database, CallDocument, CALLS)
    return Repositories(
        phone_verifications=PhoneVerificationRepository(verifications, encryption),
        rate_limiter=MongoRateLimits(database),
        identities=identities,
        media_items=items,
        media_usages=MongoMediaUsages(database, MediaUsageDocument, MEDIA_USAGES),
        idempotency_keys=RecordCollection(database, IdempotencyKeyDocument, IDEMPOTENCY_KEYS),
        calls=calls,
        delivery_reports=RecordCollection(database, DeliveryReportDocument, DELIVERY_REPORTS),
        leases=MongoLeases(database, latest(database.collection(LeaseDocument))),
        health=MongoHealthCheck(database, database.collection(DatabaseMetadataDocument)),
    )

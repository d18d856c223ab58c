from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pymongo.monitoring import CommandListener

from adapters.mongo.address import place_of
from adapters.mongo.binding import bound_database
from adapters.mongo.budgets import MongoBudgets
from adapters.mongo.database import Database
from adapters.mongo.documents import (
    BudgetDocument,
    IdentityDocument,
    MarkDocument,
    MediaItemDocument,
    PhoneRecordDocument,
)
from adapters.mongo.driver import latest
from adapters.mongo.errors import told_to_the_operator
from adapters.mongo.identities import MongoIdentities
from adapters.mongo.indexes import make_indexes
from adapters.mongo.mark import check_mark
from adapters.mongo.media_items import MongoMediaItems
from adapters.mongo.media_leftovers import MongoMediaLeftovers
from adapters.mongo.media_pages import MongoMediaPages
from adapters.mongo.phone_records import MongoPhoneRecords
from adapters.mongo.probe import MongoProbe
from adapters.mongo.reads import Reads
from adapters.mongo.stored_identity import StoredIdentities
from adapters.mongo.tombstones import MongoTombstones
from application.ports.phone_encryption import PhoneEncryption
from application.ports.repositories import Repositories


@asynccontextmanager
async def open_mongo_records(url: str, seal: PhoneEncryption) -> AsyncIterator[Repositories]:
    """Open the records in this database, made if it is new.

    A process may have one database open, as often as it likes. At the end of the block reads
    under way are finished.

    Raises:
        DatabaseNotUsable: it cannot be used; the text is for the operator.
    """
    async with open_database(url, seal) as database:
        reads = Reads.of(database)
        try:
            yield records_in(database, reads, seal)
        finally:
            await reads.finish()


@asynccontextmanager
async def open_database(
    url: str, seal: PhoneEncryption, listeners: Sequence[CommandListener] = ()
) -> AsyncIterator[Database]:
    """Connect to the database and see that it is ours, with the indexes that it needs.

    Raises:
        DatabaseNotUsable
    """
    place = place_of(url)
    async with bound_database(url, place, listeners) as database:
        with told_to_the_operator(place):
            await check_mark(database, place, seal.key_fingerprint())
            await make_indexes(database, place)
        yield database


def records_in(database: Database, reads: Reads, seal: PhoneEncryption) -> Repositories:
    """All record ports over one open database."""
    stored = StoredIdentities(seal)
    phones = latest(database.collection(PhoneRecordDocument))
    people = latest(database.collection(IdentityDocument))
    slots = latest(database.collection(BudgetDocument))
    items = latest(database.collection(MediaItemDocument))
    mark = database.collection(MarkDocument)
    return Repositories(
        phone_verifications=MongoPhoneRecords(database, phones, reads.phone_verifications, seal),
        rate_limiter=MongoBudgets(database, slots),
        identities=MongoIdentities(database, people, reads.identities, stored),
        deleted_identities=MongoTombstones(database, reads.deleted_identities, stored),
        media_items=MongoMediaItems(database, items, reads.items, reads.items_by_key),
        media_pages=MongoMediaPages(database),
        media_cleanup=MongoMediaLeftovers(database),
        health=MongoProbe(database, mark),
    )

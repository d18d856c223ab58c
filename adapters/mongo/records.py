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
from application.ports.phone_seal import PhoneSeal
from application.ports.records import Records


@asynccontextmanager
async def open_mongo_records(url: str, seal: PhoneSeal) -> AsyncIterator[Records]:
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
    url: str, seal: PhoneSeal, listeners: Sequence[CommandListener] = ()
) -> AsyncIterator[Database]:
    """Connect to the database and see that it is ours, with the indexes that it needs.

    Raises:
        DatabaseNotUsable
    """
    place = place_of(url)
    async with bound_database(url, place, listeners) as database:
        with told_to_the_operator(place):
            await check_mark(database, place, seal.fingerprint())
            await make_indexes(database, place)
        yield database


def records_in(database: Database, reads: Reads, seal: PhoneSeal) -> Records:
    """All record ports over one open database."""
    stored = StoredIdentities(seal)
    phones = latest(database.collection(PhoneRecordDocument))
    people = latest(database.collection(IdentityDocument))
    slots = latest(database.collection(BudgetDocument))
    items = latest(database.collection(MediaItemDocument))
    mark = database.collection(MarkDocument)
    return Records(
        phone_records=MongoPhoneRecords(database, phones, reads.phone_records, seal),
        budgets=MongoBudgets(database, slots),
        identities=MongoIdentities(database, people, reads.identities, stored),
        tombstones=MongoTombstones(database, reads.tombstones, stored),
        media_items=MongoMediaItems(database, items, reads.items, reads.items_by_key),
        media_pages=MongoMediaPages(database),
        media_leftovers=MongoMediaLeftovers(database),
        probe=MongoProbe(database, mark),
    )

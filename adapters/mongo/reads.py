from asyncio import gather
from dataclasses import dataclass, fields
from typing import Self

from adapters.mongo.database import Database
from adapters.mongo.documents import IdentityDocument, MediaItemDocument, PhoneRecordDocument
from adapters.mongo.driver import latest
from adapters.mongo.media_items import ITEM
from adapters.mongo.phone_records import RECORD
from adapters.mongo.point_reads import PointReads
from adapters.mongo.stored_identity import IDENTITY


@dataclass(frozen=True, slots=True)
class Reads:
    """The point reads of one open database: those of a kind go out together."""

    phone_verifications: PointReads
    identities: PointReads
    deleted_identities: PointReads
    items: PointReads
    items_by_key: PointReads

    @classmethod
    def of(cls, database: Database) -> Self:
        """Make them for a database that was opened."""
        phones = latest(database.collection(PhoneRecordDocument))
        people = latest(database.collection(IdentityDocument))
        items = latest(database.collection(MediaItemDocument))
        return cls(
            phone_verifications=PointReads(database, phones, RECORD.projection),
            identities=PointReads(database, people, IDENTITY.projection),
            deleted_identities=PointReads(
                database, people, {"_id": 1}, where={"deleted": {"$exists": True}}
            ),
            items=PointReads(database, items, ITEM.projection),
            items_by_key=PointReads(database, items, ITEM.projection, by="key"),
        )

    async def finish(self) -> None:
        """Return when no read is under way any more."""
        reads: list[PointReads] = [getattr(self, one.name) for one in fields(self)]
        await gather(*(one.finish() for one in reads))

"""The number of the last change of what pages of the library show.

It is a document beside the items, so that a replaced item and the number are written by one
command.
"""

import random
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from adapters.mongo.batch_loader import DocumentLoader
from adapters.mongo.database import Database
from adapters.mongo.driver import MotorCollection, RawDocument
from domain.values import dataclass

CHANGES_ID: Final = "changes"

_BY_ID: Final = {"_id": CHANGES_ID}
_INCREMENT: Final[RawDocument] = {"$inc": {"number": 1}}
_MAX_FIRST_NUMBER: Final = 2**52


@dataclass(frozen=True, slots=True)
class MediaItemChanges:
    """Numbers the changes of all instances.

    A change is numbered after it was made, and before its caller knows. So what was read when the
    number was the same as now is still right, unless MongoDB fails between the two writes, or has
    an election meanwhile.
    """

    database: Database
    collection: MotorCollection
    loader: DocumentLoader

    def find_last(self) -> Awaitable[int | None]:
        """Return the number of the last change, or None if none is numbered.

        Raises:
            StorageError
            CorruptRecord
        """
        return self.loader.load_as(CHANGES_ID, _number_of)

    @property
    def statement(self) -> UpdateOne:
        """What numbers a change, after it in a bulk write of the items.

        It never inserts: in a sharded collection that could need more than the id.
        """
        return UpdateOne(_BY_ID, _INCREMENT)

    async def add(self) -> None:
        """Number a change that was made by another command.

        Raises:
            StorageError
        """
        await self.database.run(lambda: self.collection.update_one(_BY_ID, _INCREMENT))


async def begin_to_number(collection: MotorCollection) -> None:
    """Add the number to the items, unless there is one.

    Raises:
        PyMongoError
    """
    # Not with a number again that pages were read at, if somebody has deleted the document.
    number = random.randrange(_MAX_FIRST_NUMBER)  # noqa: S311 - it only has to be another one
    with suppress(DuplicateKeyError):
        await collection.insert_one({**_BY_ID, "number": number})


def _number_of(document: RawDocument | None) -> int | None:
    return None if document is None else document.get("number")

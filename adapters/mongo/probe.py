from dataclasses import dataclass
from typing import Final

from adapters.mongo.database import Database
from adapters.mongo.driver import MotorCollection
from adapters.mongo.mark import touched
from application.ports.errors import StorageUnavailable

PATIENCE: Final = 3.0


@dataclass(frozen=True, slots=True)
class MongoProbe:
    """Writes to the database's mark, since a primary that lost its majority can still be read."""

    database: Database
    collection: MotorCollection
    patience: float = PATIENCE

    async def check(self) -> None:
        if not await self.database.answer(touched(self.collection), self.patience):
            raise StorageUnavailable("the database was emptied since it was opened")

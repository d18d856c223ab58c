"""An open database: whatever is asked of it is answered in bounded time, or refused."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

from beanie import Document
from beanie.odm.queries.find import FindMany

from adapters.mongo.driver import MotorCollection, MotorDatabase, Raw
from adapters.mongo.errors import DRIVER_ERRORS, at_run_time
from application.ports.errors import StorageUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Database:
    """A database with the seconds that a caller waits for it."""

    motor: MotorDatabase
    patience: float

    def collection(self, of: type[Document]) -> MotorCollection:
        """Give the collection of these documents."""
        return self.motor[of.Settings.name]

    async def answer(self, call: Awaitable[T], patience: float | None = None) -> T:
        """Wait for a call to the driver.

        Raises:
            NotUnique: a unique index refused it.
            StorageUnavailable: it was refused, or nobody knows after so much patience.
        """
        patience = patience or self.patience
        try:
            # The driver bounds what it does, but not how long a call waits for its turn.
            async with asyncio.timeout(patience):
                return await call
        except TimeoutError:
            raise StorageUnavailable(f"no answer within {patience:g} seconds") from None
        except DRIVER_ERRORS as error:
            raise at_run_time(error) from None

    async def found(self, question: FindMany[Any], limit: int) -> list[Raw]:
        """Give up to `limit` documents, as they are stored, of what beanie would find.

        Raises:
            StorageUnavailable
        """
        if limit < 1:
            return []  # MongoDB takes 0 for no limit
        return await self.answer(question.limit(limit).motor_cursor.to_list(None))

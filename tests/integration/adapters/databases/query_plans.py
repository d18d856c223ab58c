"""What the tests of query plans share: how they explain the statements of a database."""

from collections.abc import Awaitable
from typing import Any, Final, Protocol

from adapters.databases.records.database import Database
from adapters.databases.records.limits import LIMITS
from adapters.databases.records.record_kind import RecordKind
from entrypoints.composition.features import KINDS

ALL_KINDS: Final[tuple[RecordKind[Any], ...]] = (*KINDS, LIMITS)
ID: Final = "id"
"""The name of the index of the ids, in all databases."""


class Explained(Protocol):
    """An open database whose statements are explained."""

    @property
    def database(self) -> Database: ...

    async def plans_of(self, call: Awaitable[object]) -> list[set[str]]:
        """Return the indexes that each statement of a call reads.

        It fails the test if one reads a table without an index, or sorts what it has read.
        """
        ...

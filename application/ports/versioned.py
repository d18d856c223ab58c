"""Records with versions: optimistic concurrency."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T_co]):
    """A loaded record. `replace` succeeds only while the stored one has this version.

    Only the repository that loaded it interprets the version.
    """

    value: T_co
    version: int


class Records(Protocol[T]):
    """The repository of one kind of record, by id. After True a write is durable."""

    async def load(self, record_id: str, /) -> Versioned[T] | None:
        """Load the record, or None.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def add(self, record: T, /) -> bool:
        """Add a record, and return False where its id exists.

        Its version is 1, unless its id may have been used before.

        Raises:
            StorageError
        """
        ...

    async def replace(self, record: T, /, version: int) -> bool:
        """Replace the record if it still has this version, and return whether it had.

        Raises:
            StorageError
        """
        ...


class DeletableRecords(Records[T], Protocol[T]):
    """Records that are deleted one by one."""

    async def delete(self, record_id: str, version: int, /) -> bool:
        """Delete the record if it still has this version, and return whether it had.

        Raises:
            StorageError
        """
        ...

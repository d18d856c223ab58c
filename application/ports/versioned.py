"""Records with versions: optimistic concurrency.

Every method of a repository raises `StorageError`, and `CorruptRecord` if a record that it reads is
damaged. After True a write is durable.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

K_contra = TypeVar("K_contra", contravariant=True)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T_co]):
    """A loaded record. `save` and `replace` succeed only while the stored one has this version.

    Only the repository that loaded it interprets the version.
    """

    value: T_co
    version: int


class Savable(Protocol[K_contra, T]):
    """Records by a key: what `application/update.py` needs."""

    async def load(self, key: K_contra, /) -> Versioned[T] | None:
        """Load the record, or None."""
        ...

    async def save(self, key: K_contra, record: T, version: int, /) -> bool:
        """Replace the record if it still has this version, and return whether it had.

        Version 0 adds it if there is none.
        """
        ...


class Records(Savable[str, T], Protocol[T]):
    """The repository of one kind of record, by id.

    `save` does what `add` and `replace` do.
    """

    async def add(self, record: T, /) -> bool:
        """Add a record, and return False where its id exists.

        Its version is 1, unless its id may have been used before.
        """
        ...

    async def replace(self, record: T, /, version: int) -> bool:
        """Replace the record if it still has this version, and return whether it had."""
        ...


class DeletableRecords(Records[T], Protocol[T]):
    """Records that are deleted one by one."""

    async def delete(self, record_id: str, version: int, /) -> bool:
        """Delete the record if it still has this version, and return whether it had."""
        ...


class Expiring(Protocol):
    """Records that expire."""

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` records that have expired, and return their number."""
        ...


class ExpiringRecords(DeletableRecords[T], Expiring, Protocol[T]):
    """Records that are deleted one by one, or when they expire."""

"""The repositories of identities."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username


class Identities(Protocol):
    """Identities by id. No two have the same username key, including deleted ones.

    The phone of an identity never changes, except that it is removed.
    """

    async def load(self, identity_id: str) -> Versioned[Identity] | None:
        """Load the identity, deleted or not, or None.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def add(self, identity: Identity) -> bool:
        """Add an identity with version 1, and return False where its id exists.

        Raises:
            UniqueViolation: another identity has its username.
            StorageError
        """
        ...

    async def replace(self, identity: Identity, version: int) -> bool:
        """Replace the identity if it still has this version, and return whether it had.

        After True it is durable.

        Raises:
            UniqueViolation: another identity has its username.
            StorageError
        """
        ...

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        """Find the identity with this name, deleted or not.

        Raises:
            StorageError
            CorruptRecord
        """
        ...


class DeletedIdentities(Protocol):
    """Deleted identities, and those to be deleted, for the library and the cleanup."""

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids that belong to deleted identities.

        Raises:
            StorageError
        """
        ...

    async def list_expired(self, now: datetime, limit: int) -> Sequence[Versioned[Identity]]:
        """List up to `limit` identities whose `expires_at` is now or earlier, the earliest first.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        """List up to `limit` deleted identities that are not purged, the oldest first.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        """List up to `limit` identities with a username that were deleted then or earlier.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

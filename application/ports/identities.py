from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.identities.username import Username


class Identities(Protocol):
    """Identities by id; no two have the same username key, tombstones included."""

    async def load(self, identity_id: str) -> Versioned[Identity] | None:
        """Give the identity, tombstone or not, or None.

        Raises:
            StorageUnavailable
        """
        ...

    async def add(self, identity: Identity) -> bool:
        """Save a new identity, at version 1; False when its id is taken.

        Raises:
            UniqueViolation
            StorageUnavailable
        """
        ...

    async def replace(self, identity: Identity, version: int) -> bool:
        """Save the identity if the stored one still has this version; say whether it had.

        True means that it is durable.

        Raises:
            UniqueViolation
            StorageUnavailable
        """
        ...

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        """Give the identity, tombstone or not, that has this name.

        Raises:
            StorageUnavailable
        """
        ...


class DeletedIdentities(Protocol):
    """Deleted identities, as the reader of pages and the sweeper need them."""

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        """Give those of the ids that belong to a deleted identity.

        Raises:
            StorageUnavailable
        """
        ...

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        """Give up to `limit` deleted identities with `swept` False, the oldest first.

        Raises:
            StorageUnavailable
        """
        ...

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        """Give up to `limit` identities deleted at or before then that still have a name.

        Raises:
            StorageUnavailable
        """
        ...

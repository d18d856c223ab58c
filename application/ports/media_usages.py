"""What the users have in the library."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from application.ports.versioned import Versioned
from domain.media.usage import MediaUsage


class MediaUsages(Protocol):
    """The usage of each user who has uploaded, by the id of the user."""

    async def load(self, owner_id: str) -> Versioned[MediaUsage] | None:
        """Load the usage, or None.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def add(self, usage: MediaUsage) -> bool:
        """Add a usage with version 1, and return False where its id exists.

        Raises:
            StorageError
        """
        ...

    async def replace(self, usage: MediaUsage, version: int) -> bool:
        """Replace the usage if it still has this version, and return whether it had.

        Raises:
            StorageError
        """
        ...

    async def delete(self, owner_id: str, version: int) -> bool:
        """Delete the usage if it still has this version, and return whether it had.

        Raises:
            StorageError
        """
        ...

    async def list_due(self, now: datetime, limit: int) -> Sequence[Versioned[MediaUsage]]:
        """List up to `limit` usages whose `recount_at` has passed.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

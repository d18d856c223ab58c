"""What the users have in the library."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from application.ports.versioned import DeletableRecords, Versioned
from domain.media.usage import MediaUsage


class MediaUsages(DeletableRecords[MediaUsage], Protocol):
    """The usage of each user who has uploaded, by the id of the user."""

    async def list_due(self, now: datetime, limit: int) -> Sequence[Versioned[MediaUsage]]:
        """List up to `limit` usages whose `recount_at` has passed.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

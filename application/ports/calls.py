"""The repository of calls."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from application.ports.versioned import DeletableRecords, Versioned
from domain.page import Cursor
from domain.voice.call import Call


class Calls(DeletableRecords[Call], Protocol):
    """Calls by id; in pages; and those that the cleanup handles."""

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        """List up to `limit` calls after the cursor, of an identity or, for None, of everybody.

        They are in order, the newest first: by `started_at`, then by id. The cost does not
        depend on how many calls come before it.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List up to `limit` calls that started then or earlier, the oldest first.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        """List up to `limit` calls of an identity.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List up to `limit` calls whose `oldest_recording_at` is then or earlier, that first.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def list_unfinished(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List up to `limit` calls whose `unfinished_since` is then or earlier, that first.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

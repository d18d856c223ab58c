"""The repositories of calls."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from application.ports.versioned import Records, Versioned
from domain.page import Cursor
from domain.voice.call import Call


class Calls(Records[Call], Protocol):
    """Calls by id."""


class CallPages(Protocol):
    """Calls, newest first: by `started_at`, then by id."""

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        """List up to `limit` calls after the cursor, of an identity or, for None, of everybody.

        The cost does not depend on how many calls come before it.

        Raises:
            StorageError
            CorruptRecord
        """
        ...


class CallCleanup(Protocol):
    """Calls that the cleanup handles."""

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

    async def delete(self, call_id: str, version: int) -> bool:
        """Delete the call if it still has this version, and return whether it had.

        Raises:
            StorageError
        """
        ...

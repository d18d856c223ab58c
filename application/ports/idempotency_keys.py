"""Idempotency keys of uploads."""

from datetime import datetime
from typing import Protocol

from application.ports.versioned import Versioned
from domain.media.idempotency import IdempotencyKey


class IdempotencyKeys(Protocol):
    """Idempotency keys by id."""

    async def load(self, key_id: str) -> Versioned[IdempotencyKey] | None:
        """Load the key, or None.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def add(self, key: IdempotencyKey) -> bool:
        """Add a key with version 1, durably, and return False where its id exists.

        Raises:
            StorageError
        """
        ...

    async def replace(self, key: IdempotencyKey, version: int) -> bool:
        """Replace the key if it still has this version, and return whether it had.

        Raises:
            StorageError
        """
        ...

    async def delete(self, key_id: str, version: int) -> bool:
        """Delete the key if it still has this version, and return whether it had.

        Raises:
            StorageError
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired keys, and return their number.

        Raises:
            StorageError
        """
        ...

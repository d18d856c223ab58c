"""Idempotency keys of uploads."""

from datetime import datetime
from typing import Protocol

from application.ports.versioned import DeletableRecords
from domain.media.idempotency import IdempotencyKey


class IdempotencyKeys(DeletableRecords[IdempotencyKey], Protocol):
    """Idempotency keys by id."""

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired keys, and return their number.

        Raises:
            StorageError
        """
        ...

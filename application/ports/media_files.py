from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it is read back: its size in bytes, and its bytes in order.

    Whoever got it may read it to its end, stop early, or drop it unread.
    """

    size: int
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class MediaUrl:
    """An address that opens without a token; `expires_at` is None when it lasts."""

    url: str
    expires_at: datetime | None = None


class MediaFiles(Protocol):
    """Files by key, whole or not at all."""

    async def store(self, key: str, content: bytes, content_type: str) -> None:
        """Keep the file; durable when this returns, and never seen in part.

        A file that has this key already gives way to it.

        Raises:
            MediaStorageUnavailable
        """
        ...

    async def read(self, key: str) -> StoredFile | None:
        """Open the file, or give None when there is none.

        Raises:
            MediaStorageUnavailable
        """
        ...

    async def remove(self, key: str) -> None:
        """Remove the file; removing one that is not there is no error.

        Raises:
            MediaStorageUnavailable
        """
        ...

    async def url(self, key: str) -> MediaUrl:
        """Give the address of the file, whether it is there or not; asks nobody."""
        ...

    async def discard_unfinished(self, before: datetime) -> int:
        """Remove what uploads begun before then left unfinished; say how many.

        Raises:
            MediaStorageUnavailable
        """
        ...

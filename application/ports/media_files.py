"""Storage of published image files."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is open for reading. It may be read to its end, in part, or not at all.

    It is closed at the end of the block that opened it, and cannot be read afterwards.

    Attributes:
        size: Size of the whole file in bytes.
        chunks: The content, in order.
    """

    size: int
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class MediaUrl:
    """A URL that needs no token; `expires_at` is None if it does not expire."""

    url: str
    expires_at: datetime | None = None


class MediaFiles(Protocol):
    """Files by storage key. A file is complete or absent, never partly visible."""

    async def write(self, storage_key: str, content: bytes, content_type: str) -> None:
        """Store the file durably, replacing the one with the same storage key.

        Raises:
            MediaStorageUnavailable
        """
        ...

    async def get_size(self, storage_key: str) -> int | None:
        """Return the size of the file in bytes, or None if it does not exist. Do not open it.

        Raises:
            MediaStorageUnavailable
        """
        ...

    def open_file(self, storage_key: str) -> AbstractAsyncContextManager[StoredFile | None]:
        """Open the file for reading until the end of the block; None if it does not exist.

        - When the block ends, in whatever way, the connection or descriptor is released at once.
        - However many files are open: writes, deletions and health checks are not delayed.

        Raises:
            MediaStorageUnavailable: Also if too many files are open.
        """
        ...

    async def delete(self, storage_key: str) -> None:
        """Delete the file. It is no error if it does not exist.

        Raises:
            MediaStorageUnavailable
        """
        ...

    async def url_for(self, storage_key: str) -> MediaUrl:
        """Return the URL of the file without I/O, whether the file exists or not."""
        ...

    async def delete_unfinished(self, before: datetime) -> int:
        """Delete what unfinished writes left that began before this time.

        Returns:
            The number of deleted leftovers.

        Raises:
            MediaStorageUnavailable
        """
        ...

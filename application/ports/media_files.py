"""Storage of published image files."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Final, Protocol

URL_TTL: Final = timedelta(days=2)
"""Maximum lifetime of a URL that expires."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is open for reading. It may be read to its end, in part, or not at all.

    It is closed at the end of the block that opened it, and cannot be read afterwards.

    Attributes:
        size: How many bytes `chunks` has.
        chunks: The content, or the requested part of it, in order.
    """

    size: int
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class MediaUrl:
    """A URL that needs no token; `expires_at` is None if it does not expire."""

    url: str
    expires_at: datetime | None = None


def url_expiry(now: datetime) -> datetime:
    """Return when a URL expires that is made now.

    It is the same for each day in UTC, so that URLs are too, and caches work. So a URL is valid
    for one day at least.
    """
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + URL_TTL


class MediaFiles(Protocol):
    """Files by storage key. A file is complete or absent, never partly visible.

    A storage key has at most 100 characters: names of lower-case letters and digits, with single
    dots, hyphens and underscores inside, and slashes between the names, as in a path.
    """

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        """Store the file durably, replacing the one with the same storage key.

        `content` is seekable. It is read to its end, and never as a whole into memory.

        Raises:
            MediaStorageUnavailable
            MediaFileRejected: Repeating it does not help.
        """
        ...

    async def get_size(self, storage_key: str) -> int | None:
        """Return the size of the file in bytes, or None if it does not exist. Do not open it.

        Raises:
            MediaStorageUnavailable
        """
        ...

    def open_file(
        self, storage_key: str, start: int = 0, stop: int | None = None
    ) -> AbstractAsyncContextManager[StoredFile | None]:
        """Open the file for reading until the end of the block; None if it does not exist.

        - Only the bytes from `start` to before `stop` are read, to the end of the file without
          `stop`. `start` is inside the file, or 0.
        - When the block ends, in whatever way, the connection or descriptor is released at once.
        - While the service has 256 files open, writes, deletions and health checks are not delayed.

        Raises:
            MediaStorageUnavailable
        """
        ...

    def list_files(self) -> AsyncIterator[str]:
        """List the storage keys of all files, in any order.

        Files that are written or deleted meanwhile may be listed or not.

        Raises:
            MediaStorageUnavailable
        """
        ...

    async def delete(self, storage_key: str) -> None:
        """Delete the file. It is no error if it does not exist.

        Raises:
            MediaStorageUnavailable
        """
        ...

    async def url_for(self, storage_key: str) -> MediaUrl:
        """Return the URL of the file without I/O, whether the file exists or not.

        A URL that expires does so at `url_expiry`, and is the same until the end of the day.
        """
        ...

    async def delete_unfinished(self, before: datetime) -> int:
        """Delete what unfinished writes left that began before this time.

        Returns:
            The number of deleted leftovers.

        Raises:
            MediaStorageUnavailable
        """
        ...

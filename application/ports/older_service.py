"""What an import reads of an older service. Nothing is written there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from application.ports.media import StoredFile


@dataclass(frozen=True, slots=True)
class OlderUser:
    """A user of the older service. Its number is text as somebody typed it.

    `unread` are the names of the other fields that have a value.
    """

    id: str
    number: str = field(repr=False)
    username: str | None
    created_at: datetime
    is_administrator: bool = False
    unread: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class OlderItem:
    """A library row of the older service. Its owner is text as a client sent it.

    `unread` are the names of the other fields that have a value.
    """

    id: str
    owner: str = field(repr=False)
    url: str
    category: str | None
    created_at: datetime
    unread: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that cannot be read; the reason names the field."""

    id: str
    reason: str

    @property
    def message(self) -> str:
        """What is wrong with it, for the report."""
        return f"Its {self.reason} is missing, of another type or no UTF-8."


class OlderService(Protocol):
    """Users and library rows of the older service, in the order of their ids."""

    async def count_users(self) -> int:
        """Return how many users there are, about.

        Raises:
            StorageError
        """
        ...

    async def count_items(self) -> int:
        """Return how many library rows there are, about.

        Raises:
            StorageError
        """
        ...

    def read_users(self, limit: int) -> AsyncIterator[Sequence[OlderUser | UnreadableRow]]:
        """Yield all users, up to `limit` at a time.

        Raises:
            StorageError
        """
        ...

    def read_items(self, limit: int) -> AsyncIterator[Sequence[OlderItem | UnreadableRow]]:
        """Yield all library rows, up to `limit` at a time.

        Raises:
            StorageError
        """
        ...


class OlderFiles(Protocol):
    """The files of the older service, by URL: those of one bucket, or of a copy of it.

    No URL is fetched. Its path is the key of the file.
    """

    def find_key(self, url: str) -> str | None:
        """Return the key of the file with this URL, or None if it is not in the bucket."""
        ...

    async def get_size(self, key: str) -> int | None:
        """Return the size of the file in bytes, or None if it does not exist.

        Raises:
            MediaStorageUnavailable
        """
        ...

    def open_file(self, key: str) -> AbstractAsyncContextManager[StoredFile | None]:
        """Open the file for reading until the end of the block; None if it does not exist.

        Raises:
            MediaStorageUnavailable
        """
        ...

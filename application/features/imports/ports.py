"""What an import reads of another service. Nothing is written there."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from application.features.media.ports import StoredFile


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a database.

    Attributes:
        id: Its id as a text.
        made_at: The time that is in the id; None if the id has another form.
        fields: The other fields. In a text that is not UTF-8, U+FFFD stands for what is not.
    """

    id: str
    made_at: datetime | None
    fields: Mapping[str, object] = field(repr=False)


class Documents(Protocol):
    """A collection of another service's database."""

    async def count(self) -> int:
        """Return how many documents there are, about.

        Raises:
            StorageError
        """
        ...

    def read(self) -> AsyncIterator[Document]:
        """Yield all documents, each time in the same order.

        Raises:
            StorageError
        """
        ...


class SourceFiles(Protocol):
    """The files of another service, by key."""

    async def get_size(self, key: str, /) -> int | None:
        """Return the size of the file in bytes, or None if it does not exist.

        Raises:
            MediaStorageUnavailable
        """
        ...

    def open_file(self, key: str, /) -> AbstractAsyncContextManager[StoredFile | None]:
        """Open the file for reading until the end of the block; None if it does not exist.

        Raises:
            MediaStorageUnavailable
        """
        ...

"""Serve the file of an item."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from application.ports.errors import MediaStorageUnavailable
from application.ports.identities import DeletedIdentities
from application.ports.media_files import MediaFiles, StoredFile
from application.ports.media_items import MediaItems
from domain.errors import MediaFileNotFound, Unavailable
from domain.media.item import MediaItem


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A ready item, and the size of its file in bytes."""

    item: MediaItem
    size: int


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """The open file of a ready item."""

    item: MediaItem
    file: StoredFile


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Open the file with a storage key.

    - The file of a deleted item or of a deleted identity is not served, even while the store still
      has it.
    - Where URLs do not expire, media is public: everybody who knows the key may open the file.
      Where they expire, a key alone opens nothing, and the caller has to authenticate.
    """

    media_items: MediaItems
    deleted_identities: DeletedIdentities
    media_files: MediaFiles

    async def is_public(self, storage_key: str) -> bool:
        """Return whether the file may be opened without authentication."""
        return (await self.media_files.url_for(storage_key)).expires_at is None

    async def get_info(self, storage_key: str) -> FileInfo:
        """Find the file without opening it.

        Raises:
            MediaFileNotFound
            Unavailable: the media store does not answer.
            StorageError
        """
        item = await self._find_item(storage_key)
        try:
            size = await self.media_files.get_size(storage_key)
        except MediaStorageUnavailable as error:
            raise Unavailable from error
        if size is None:
            raise MediaFileNotFound
        return FileInfo(item, size)

    @asynccontextmanager
    async def __call__(self, storage_key: str) -> AsyncIterator[OpenedFile]:
        """Open the file until the end of the block.

        Raises:
            MediaFileNotFound
            Unavailable: the media store does not answer, or too many files are open.
            StorageError
        """
        item = await self._find_item(storage_key)
        async with AsyncExitStack() as stack:
            try:
                file = await stack.enter_async_context(self.media_files.open_file(storage_key))
            except MediaStorageUnavailable as error:
                raise Unavailable from error
            if file is None:
                raise MediaFileNotFound
            yield OpenedFile(item, file)

    async def _find_item(self, storage_key: str) -> MediaItem:
        item = await self.media_items.find_by_storage_key(storage_key)
        if (
            item is None
            or not item.is_ready
            or await self.deleted_identities.find_deleted([item.owner_id])
        ):
            raise MediaFileNotFound
        return item

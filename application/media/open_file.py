"""Serve the file of an item."""

from dataclasses import dataclass

from application.ports.errors import MediaStorageUnavailable
from application.ports.identities import DeletedIdentities
from application.ports.media_files import MediaFiles, StoredFile
from application.ports.media_items import MediaItems
from domain.errors import MediaFileNotFound, Unavailable
from domain.media.item import MediaItem


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """The open file of a ready item."""

    item: MediaItem
    file: StoredFile


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Open the file with a storage key, for everybody who knows the key.

    The file of a deleted item or of a deleted identity is not served, even while the store still
    has it.
    """

    media_items: MediaItems
    deleted_identities: DeletedIdentities
    media_files: MediaFiles

    async def __call__(self, storage_key: str) -> OpenedFile:
        """Open the file.

        Raises:
            MediaFileNotFound
            Unavailable: the media store does not answer.
            StorageError
        """
        item = await self.media_items.find_by_storage_key(storage_key)
        if (
            item is None
            or not item.is_ready
            or await self.deleted_identities.find_deleted([item.owner_id])
        ):
            raise MediaFileNotFound
        try:
            file = await self.media_files.open_file(storage_key)
        except MediaStorageUnavailable as error:
            raise Unavailable from error
        if file is None:
            raise MediaFileNotFound
        return OpenedFile(item, file)

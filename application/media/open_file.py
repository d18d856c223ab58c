from dataclasses import dataclass

from application.ports.errors import MediaStorageUnavailable, StorageUnavailable
from application.ports.identities import DeletedIdentities
from application.ports.media_files import MediaFiles, StoredFile
from application.ports.media_items import MediaItems
from domain.errors import MediaFileNotFound, Unavailable
from domain.media.item import MediaItem


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """The file of a ready item, to be read to its end or dropped."""

    item: MediaItem
    file: StoredFile


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Serve the picture behind a key, to anybody who knows it.

    A deleted item's file, and any of a deleted identity, is not served from that moment on,
    whether the store has it still or not.
    """

    media_items: MediaItems
    deleted_identities: DeletedIdentities
    media_files: MediaFiles

    async def __call__(self, key: str) -> OpenedFile:
        """Raises MediaFileNotFound, Unavailable."""
        try:
            item = await self.media_items.find_by_storage_key(key)
            if (
                item is None
                or not item.is_ready
                or await self.deleted_identities.find_deleted([item.owner_id])
            ):
                raise MediaFileNotFound
            file = await self.media_files.open_file(key)
        except (StorageUnavailable, MediaStorageUnavailable) as error:
            raise Unavailable from error
        if file is None:
            raise MediaFileNotFound
        return OpenedFile(item, file)

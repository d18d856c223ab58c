"""Serve the file of an item."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from application.features.media.library import FindItem
from application.features.media.ports import MediaFiles, StoredFile
from application.ports.errors import MediaStorageUnavailable
from application.principal import Principal
from domain.errors import Unavailable
from domain.features.media.errors import ItemNotFound, MediaFileNotFound
from domain.features.media.image import Image
from domain.features.media.item import parse_storage_key


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a ready item. It never changes."""

    storage_key: str
    image: Image
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Open the file with a storage key.

    - The file of a deleted or hidden item, or of a deleted identity, is not served, even while the
      store still has it.
    - A token opens the files of the items that the principal may see.
    """

    find_item: FindItem
    media_files: MediaFiles

    async def find(self, storage_key: str, principal: Principal | None = None) -> FoundFile:
        """Find the file without opening it. `principal` is None if the URL is enough.

        Raises:
            MediaFileNotFound
        """
        item_id = parse_storage_key(storage_key)
        if item_id is None:
            raise MediaFileNotFound
        try:
            item = (await self.find_item(principal, item_id)).value
        except ItemNotFound:
            raise MediaFileNotFound from None
        image = item.find_image(storage_key)
        if image is None:
            raise MediaFileNotFound
        return FoundFile(storage_key, image, item.created_at)

    async def get_size(self, file: FoundFile) -> int:
        """Return the size of the stored file in bytes.

        Raises:
            MediaFileNotFound
            Unavailable: The media store does not answer.
        """
        try:
            size = await self.media_files.get_size(file.storage_key)
        except MediaStorageUnavailable as error:
            raise Unavailable from error
        if size is None:
            raise MediaFileNotFound
        return size

    @asynccontextmanager
    async def __call__(
        self, file: FoundFile, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[StoredFile]:
        """Open the file, from `start` to before `stop`, until the end of the block.

        Raises:
            MediaFileNotFound
            Unavailable: The media store does not answer.
        """
        async with AsyncExitStack() as stack:
            try:
                opening = self.media_files.open_file(file.storage_key, start, stop)
                stored = await stack.enter_async_context(opening)
            except MediaStorageUnavailable as error:
                raise Unavailable from error
            if stored is None:
                raise MediaFileNotFound
            yield stored

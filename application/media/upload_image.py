"""Upload an image."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from application.media.library import LibraryItem
from application.media.mark_for_deletion import MarkForDeletion
from application.ports.errors import MediaStorageUnavailable, StorageError
from application.ports.identities import Identities
from application.ports.images import EncodedImage, ImagePublisher
from application.ports.media_files import MediaFiles
from application.ports.media_items import MediaItems
from application.ports.system import Clock, Randomness
from application.principal import Principal
from domain.errors import (
    ItemSaveFailed,
    MediaStorageFailed,
    Unauthenticated,
    UserNotFound,
)
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.media.item import (
    STORAGE_KEY_BYTES,
    UPLOAD_TIMEOUT,
    ItemState,
    MediaItem,
    make_storage_key,
)


@dataclass(frozen=True, slots=True)
class UploadImageCommand:
    """An image for the library of `owner_id`. `upload` is positioned at its beginning."""

    principal: Principal
    owner_id: str
    upload: BinaryIO
    category: str | None


@dataclass(frozen=True, slots=True)
class UploadImage:
    """Publish an image: record, file, ready.

    - Everybody uploads for themselves, an administrator for any identity.
    - The record is written first, with the deadline of the upload. So whatever a crash leaves
      behind is found and deleted.
    - Afterwards the item is in the library and its file in the store.
    """

    identities: Identities
    media_items: MediaItems
    media_files: MediaFiles
    image_publisher: ImagePublisher
    mark_for_deletion: MarkForDeletion
    clock: Clock
    randomness: Randomness

    async def __call__(self, command: UploadImageCommand) -> LibraryItem:
        """Publish the image.

        Raises:
            Forbidden, ReauthenticationRequired
            UserNotFound: an administrator named an identity that does not exist.
            UnsupportedImageType
            InvalidImage
            MediaStorageFailed
            ItemSaveFailed
            Unauthenticated: the owner was deleted in the meantime.
            TooManyUploads: too many images are waiting.
            TooManyPixels: the principal has uploaded too many pixels in the last hour.
            Unavailable: the service is stopping.
        """
        command.principal.check_can_act_for(command.owner_id)
        is_own = command.owner_id == command.principal.identity.id
        if not is_own and not await self._owner_exists(command.owner_id):
            raise UserNotFound
        uploader_id = command.principal.identity.id
        async with self.image_publisher.publish(command.upload, uploader_id) as published:
            item = await self._add_item(command, published.full)
            owner_exists, _ = await asyncio.gather(
                self._owner_exists(command.owner_id), self._store_file(item, published.full)
            )
        if not owner_exists:
            # An owner that is deleted after this check is cleaned up together with the item.
            await self._abandon(item)
            raise Unauthenticated
        ready = await self._mark_ready(item)
        return LibraryItem(ready, await self.media_files.url_for(ready.storage_key))

    async def _add_item(self, command: UploadImageCommand, published: EncodedImage) -> MediaItem:
        now = self.clock.now()
        suffix = published.image.format.suffix
        item = MediaItem(
            id=make_identifier(now, self.randomness.bytes(RANDOM_BYTES)),
            owner_id=command.owner_id,
            storage_key=make_storage_key(self.randomness.bytes(STORAGE_KEY_BYTES), suffix),
            image=published.image,
            category=command.category,
            created_at=now,
            state=ItemState.PENDING,
            upload_deadline=now + UPLOAD_TIMEOUT,
        )
        try:
            await self.media_items.add(item)
        except StorageError as error:
            raise ItemSaveFailed from error
        return item

    async def _store_file(self, item: MediaItem, published: EncodedImage) -> None:
        content_type = published.image.format.content_type
        try:
            await self.media_files.write(item.storage_key, published.file.read(), content_type)
        except MediaStorageUnavailable as error:
            await self._abandon(item)
            raise MediaStorageFailed from error

    async def _mark_ready(self, item: MediaItem) -> MediaItem:
        ready = item.mark_ready(self.clock.now())
        try:
            if ready is not None and await self.media_items.replace(ready, version=1):
                return ready
        except StorageError as error:
            await self._abandon(item)
            raise ItemSaveFailed from error
        await self._abandon(item)
        if not await self._owner_exists(item.owner_id):
            raise Unauthenticated
        raise ItemSaveFailed

    async def _abandon(self, item: MediaItem) -> None:
        """Mark the item for deletion, if the database answers. Otherwise its deadline does."""
        with suppress(StorageError):
            found = await self.media_items.load(item.id)
            if found is not None:
                await self.mark_for_deletion(found)

    async def _owner_exists(self, identity_id: str) -> bool:
        try:
            loaded = await self.identities.load(identity_id)
        except StorageError as error:
            raise ItemSaveFailed from error
        return loaded is not None and not loaded.value.is_deleted

from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from application.identities.authenticate import Principal
from application.media.library_item import LibraryItem
from application.media.mark_for_deletion import MarkForDeletion
from application.ports.clock import Clock
from application.ports.errors import MediaStorageUnavailable, StorageUnavailable
from application.ports.identities import Identities
from application.ports.images import ImagePublisher, PublishedImage
from application.ports.media_files import MediaFiles
from application.ports.media_items import MediaItems
from application.ports.randomness import Randomness
from domain.errors import (
    Forbidden,
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
    """What `principal` wants in the library of `owner`; `upload` stands at its beginning."""

    principal: Principal
    owner_id: str
    upload: BinaryIO
    category: str | None


@dataclass(frozen=True, slots=True)
class UploadImage:
    """Publish a picture: record, file, ready.

    - Only for oneself; an administrator may for any living identity.
    - The record comes first and says until when the upload may take, so that whatever a crash
      leaves behind is found and cleared away.
    - When this returns the picture is in the library and its file in the store.
    """

    identities: Identities
    media_items: MediaItems
    media_files: MediaFiles
    image_publisher: ImagePublisher
    mark_for_deletion: MarkForDeletion
    clock: Clock
    randomness: Randomness

    async def __call__(self, new: UploadImageCommand) -> LibraryItem:
        """Publish it.

        Raises:
            Forbidden
            UserNotFound: an administrator named nobody.
            UnsupportedImageType
            InvalidImage
            MediaStorageFailed
            ItemSaveFailed
            Unauthenticated: the owner was deleted meanwhile.
            Unavailable: too many pictures are being worked on already.
        """
        if new.owner_id != new.principal.identity.id:
            if not new.principal.identity.is_administrator:
                raise Forbidden
            if not await self._is_alive(new.owner_id):
                raise UserNotFound
        published = await self.image_publisher.publish(new.upload)
        item = await self._recorded(new, published)
        if not await self._is_alive(new.owner_id):
            # Whoever is deleted after this is deleted with this item in sight of the sweeper.
            await self._abandon(item)
            raise Unauthenticated
        await self._stored(item, published)
        ready = await self._ready(item)
        return LibraryItem(ready, await self.media_files.url_for(ready.storage_key))

    async def _recorded(self, new: UploadImageCommand, published: PublishedImage) -> MediaItem:
        now = self.clock.now()
        item = MediaItem(
            id=make_identifier(now, self.randomness.bytes(RANDOM_BYTES)),
            owner_id=new.owner_id,
            storage_key=make_storage_key(
                self.randomness.bytes(STORAGE_KEY_BYTES), published.image.format.suffix
            ),
            image=published.image,
            category=new.category,
            created_at=now,
            state=ItemState.PENDING,
            upload_deadline=now + UPLOAD_TIMEOUT,
        )
        try:
            await self.media_items.add(item)
        except StorageUnavailable as error:
            raise ItemSaveFailed from error
        return item

    async def _stored(self, item: MediaItem, published: PublishedImage) -> None:
        content_type = published.image.format.content_type
        try:
            await self.media_files.write(item.storage_key, published.content, content_type)
        except MediaStorageUnavailable as error:
            await self._abandon(item)
            raise MediaStorageFailed from error

    async def _ready(self, item: MediaItem) -> MediaItem:
        ready = item.mark_ready(self.clock.now())
        try:
            if ready is not None and await self.media_items.replace(ready, version=1):
                return ready
        except StorageUnavailable as error:
            await self._abandon(item)
            raise ItemSaveFailed from error
        await self._abandon(item)
        if not await self._is_alive(item.owner_id):
            raise Unauthenticated
        raise ItemSaveFailed

    async def _abandon(self, item: MediaItem) -> None:
        # As far as it goes now: the lease sees to whatever is left.
        with suppress(StorageUnavailable):
            found = await self.media_items.load(item.id)
            if found is not None:
                await self.mark_for_deletion(found)

    async def _is_alive(self, identity_id: str) -> bool:
        try:
            loaded = await self.identities.load(identity_id)
        except StorageUnavailable as error:
            raise ItemSaveFailed from error
        return loaded is not None and not loaded.value.is_deleted

from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from application.identities.authenticate import Caller
from application.media.doom import Doom
from application.media.shown_item import ShownItem
from application.ports.clock import Clock
from application.ports.errors import FilesUnavailable, StoreUnavailable
from application.ports.identities import Identities
from application.ports.images import ImagePublisher, PublishedImage
from application.ports.media_files import MediaFiles
from application.ports.media_items import MediaItems
from application.ports.randomness import Randomness
from domain.errors import FileNotStored, ItemNotSaved, NotOwner, Unauthenticated, UserNotFound
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.media.item import KEY_BYTES, LEASE, ItemState, MediaItem, item_key


@dataclass(frozen=True, slots=True)
class NewPicture:
    """What `caller` wants in the library of `owner`; `upload` stands at its beginning."""

    caller: Caller
    owner: str
    upload: BinaryIO
    category: str | None


@dataclass(frozen=True, slots=True)
class UploadPicture:
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
    doom: Doom
    clock: Clock
    randomness: Randomness

    async def __call__(self, new: NewPicture) -> ShownItem:
        """Publish it.

        Raises:
            NotOwner
            UserNotFound: an administrator named nobody.
            NotAnImage
            PictureRefused
            FileNotStored
            ItemNotSaved
            Unauthenticated: the owner was deleted meanwhile.
            Unavailable: too many pictures are being worked on already.
        """
        if new.owner != new.caller.identity.id:
            if not new.caller.identity.is_administrator:
                raise NotOwner
            if not await self._is_alive(new.owner):
                raise UserNotFound
        published = await self.image_publisher.publish(new.upload)
        item = await self._recorded(new, published)
        if not await self._is_alive(new.owner):
            # Whoever is deleted after this is deleted with this item in sight of the sweeper.
            await self._abandon(item)
            raise Unauthenticated
        await self._stored(item, published)
        ready = await self._ready(item)
        return ShownItem(ready, await self.media_files.url_for(ready.key))

    async def _recorded(self, new: NewPicture, published: PublishedImage) -> MediaItem:
        now = self.clock.now()
        item = MediaItem(
            id=make_identifier(now, self.randomness.bytes(RANDOM_BYTES)),
            owner=new.owner,
            key=item_key(self.randomness.bytes(KEY_BYTES), published.image.format.suffix),
            picture=published.image,
            category=new.category,
            created=now,
            state=ItemState.PENDING,
            lease_until=now + LEASE,
        )
        try:
            await self.media_items.add(item)
        except StoreUnavailable as error:
            raise ItemNotSaved from error
        return item

    async def _stored(self, item: MediaItem, published: PublishedImage) -> None:
        content_type = published.image.format.content_type
        try:
            await self.media_files.write(item.key, published.content, content_type)
        except FilesUnavailable as error:
            await self._abandon(item)
            raise FileNotStored from error

    async def _ready(self, item: MediaItem) -> MediaItem:
        ready = item.published(self.clock.now())
        try:
            if ready is not None and await self.media_items.replace(ready, version=1):
                return ready
        except StoreUnavailable as error:
            await self._abandon(item)
            raise ItemNotSaved from error
        await self._abandon(item)
        if not await self._is_alive(item.owner):
            raise Unauthenticated
        raise ItemNotSaved

    async def _abandon(self, item: MediaItem) -> None:
        # As far as it goes now: the lease sees to whatever is left.
        with suppress(StoreUnavailable):
            found = await self.media_items.load(item.id)
            if found is not None:
                await self.doom(found)

    async def _is_alive(self, identity_id: str) -> bool:
        try:
            loaded = await self.identities.load(identity_id)
        except StoreUnavailable as error:
            raise ItemNotSaved from error
        return loaded is not None and loaded.value.is_alive

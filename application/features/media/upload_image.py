"""Upload an image; each idempotency key makes one item."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import BinaryIO, Final, TypeVar

from application.features.media.deletions import MarkForDeletion
from application.features.media.media_urls import LibraryItem, MediaUrls, make_variants, write_files
from application.features.media.ports import (
    ImagePublisher,
    MediaFiles,
    MediaItems,
    PublishedImage,
    TemporaryFiles,
)
from application.features.media.quota import LibraryQuota
from application.ports.errors import ConcurrencyConflict, PortError, StorageError
from application.ports.identities import Identities
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords, Versioned
from application.principal import Principal
from application.record_act import RecordAct
from application.update import change
from domain.administration.audit import AuditAction
from domain.administration.scopes import Scope
from domain.errors import DomainError, Unauthenticated, UserNotFound
from domain.features.media.errors import (
    IdempotencyKeyReused,
    ItemDeleted,
    ItemSaveFailed,
    UploadInProgress,
)
from domain.features.media.image import VariantSpec
from domain.features.media.item import (
    STORAGE_KEY_BYTES,
    UPLOAD_TIMEOUT,
    ItemState,
    MediaItem,
    make_storage_key,
)
from domain.features.media.usage import IDEMPOTENCY_KEY_TTL, IdempotencyKey, MediaUsage, hash_texts
from domain.identifier import RANDOM_BYTES, make_identifier

T = TypeVar("T")
U = TypeVar("U")

_CHUNK_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class IdempotentUploads:
    """The idempotency keys of uploads (draft-ietf-httpapi-idempotency-key-header).

    - A key belongs to the first upload that claims it, over all instances, for 24 hours.
    - The same upload again returns its item, or says that the item was deleted, which is also said
      of a hidden item. An upload that failed has released its key.
    - A key of an upload that a crash has ended is free after the upload deadline.
    """

    idempotency_keys: ExpiringRecords[IdempotencyKey]
    media_items: MediaItems
    clock: Clock

    def make_key(
        self, uploader_id: str, key: str, fingerprint: str, item_id: str
    ) -> IdempotencyKey:
        """Return the key of a new upload, which `claim` stores."""
        now = self.clock.now()
        return IdempotencyKey(
            id=hash_texts(uploader_id, key),
            fingerprint=fingerprint,
            item_id=item_id,
            upload_deadline=now + UPLOAD_TIMEOUT,
            expires_at=now + IDEMPOTENCY_KEY_TTL,
        )

    async def claim(self, key: IdempotencyKey) -> MediaItem | None:
        """Store the key of a new upload, or return the item if this upload is a repetition."""
        now = self.clock.now()

        async def claim(
            existing: IdempotencyKey | None,
        ) -> tuple[IdempotencyKey, MediaItem | None]:
            if existing is not None and existing.expires_at > now:
                item = await self._find_item(existing, key.fingerprint)
                if item is not None:
                    return existing, item
            return key, None

        unused = Versioned(None, 0)  # most keys are new
        return await change(self.idempotency_keys, key.id, claim, loaded=unused)

    async def complete(self, claimed: IdempotencyKey) -> None:
        """Record that the item is ready. If that fails, the next repetition does so."""
        with suppress(StorageError):
            await change(
                self.idempotency_keys,
                claimed.id,
                lambda existing: (
                    claimed.complete() if existing == claimed else existing,
                    None,
                ),
            )

    async def release(self, claimed: IdempotencyKey) -> None:
        """Release the key of an upload that failed, unless its item may become ready."""
        with suppress(StorageError):
            item = await self.media_items.load(claimed.item_id)
            if item is not None and (item.value.state is ItemState.PENDING or item.value.has_files):
                return
            existing = await self.idempotency_keys.load(claimed.id)
            if existing is not None and existing.value == claimed:
                await self.idempotency_keys.delete(claimed.id, existing.version)

    async def _find_item(self, key: IdempotencyKey, fingerprint: str) -> MediaItem | None:
        """Return the item of a key, or None if its upload has failed."""
        if key.fingerprint != fingerprint:
            raise IdempotencyKeyReused
        item = await self.media_items.load(key.item_id)
        was_ready = item is not None and item.value.has_been_ready
        if was_ready and not key.is_complete:
            await self.complete(key)
        if item is not None and item.value.is_ready:
            return item.value
        if was_ready or key.is_complete:
            raise ItemDeleted
        if self.clock.now() < key.upload_deadline:
            raise UploadInProgress
        return None


async def _end_both(first: Awaitable[T], second: Awaitable[U]) -> tuple[T, U]:
    """Wait until both have ended; then raise the error of the first, or else of the second."""
    one, other = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(other, BaseException):
        raise other
    return one, other


def hash_upload(upload: BinaryIO) -> str:
    """Return a hash of the bytes of an upload; the file is at its beginning again."""
    content = sha256()
    while chunk := upload.read(_CHUNK_BYTES):
        content.update(chunk)
    upload.seek(0)
    return content.hexdigest()


@dataclass(frozen=True, slots=True)
class UploadImageCommand:
    """An image for the library of `owner_id`. `upload` is positioned at its beginning.

    `claimed_type` says nothing about the image. Like the other fields, it may not change when an
    upload is repeated with its idempotency key.
    """

    principal: Principal
    owner_id: str
    upload: BinaryIO
    category: str | None
    claimed_type: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class UploadImage:
    """Publish an image: quota, record, file, ready, counted.

    - Everybody uploads for themselves, an administrator for any identity.
    - The record is written first, with the deadline of the upload. So whatever a crash leaves
      behind is found and deleted.
    - Another upload with the same idempotency key returns the same item.
    """

    identities: Identities
    media_items: MediaItems
    media_files: MediaFiles
    media_urls: MediaUrls
    image_publisher: ImagePublisher
    temporary_files: TemporaryFiles
    mark_for_deletion: MarkForDeletion
    quota: LibraryQuota
    idempotent_uploads: IdempotentUploads
    clock: Clock
    randomness: Randomness
    record_act: RecordAct
    variant_specs: Sequence[VariantSpec]

    async def __call__(self, command: UploadImageCommand) -> LibraryItem:
        principal, owner_id = command.principal, command.owner_id
        principal.check_can_act_for(owner_id, Scope.UPLOAD_FOR_OTHERS)
        if owner_id != principal.identity.id:
            await self._check_owner(principal, owner_id)
        return await self.media_urls.make_library_item(await self._upload_once(command))

    async def _upload_once(self, command: UploadImageCommand) -> MediaItem:
        uploader_id = command.principal.identity.id
        began_at = self.clock.now()
        item_id = make_identifier(began_at, self.randomness.bytes(RANDOM_BYTES))
        if command.idempotency_key is None:
            checked = await self.quota.check(command.owner_id)
            item = await self._upload(command, item_id, began_at, checked)
            await self.quota.confirm(item)
            return item
        content = await self.temporary_files.call(hash_upload, command.upload)
        fields = (command.owner_id, command.category, command.claimed_type)
        fingerprint = hash_texts(content, *fields)
        key = self.idempotent_uploads.make_key(
            uploader_id, command.idempotency_key, fingerprint, item_id
        )
        try:
            # An upload that was done before may be repeated whatever the quota says.
            repeated, quota = await asyncio.gather(
                self.idempotent_uploads.claim(key),
                self.quota.check(command.owner_id),
                return_exceptions=True,
            )
        except asyncio.CancelledError:
            await self.idempotent_uploads.release(key)
            raise
        if isinstance(repeated, BaseException):
            raise repeated
        if repeated is not None:
            return repeated
        try:
            if isinstance(quota, BaseException):
                raise quota
            item = await self._upload(command, item_id, began_at, quota)
            await _end_both(self.quota.confirm(item), self.idempotent_uploads.complete(key))
        except BaseException:
            await self.idempotent_uploads.release(key)
            raise
        return item

    async def _upload(
        self,
        command: UploadImageCommand,
        item_id: str,
        began_at: datetime,
        checked: Versioned[MediaUsage | None],
    ) -> MediaItem:
        """Publish the image, and return its item, which is not counted yet.

        `checked` is what the check of the quota returned, before the image is decoded.
        """
        principal = command.principal
        async with (
            self.image_publisher.publish(
                command.upload, principal.identity.id, self.variant_specs
            ) as published,
            # An upload that is no image, or that was done before, is not in the audit.
            self.record_act.for_another(principal, AuditAction.UPLOAD_ITEM, command.owner_id),
        ):
            item = self._make_item(command, published, item_id, began_at)
            await self._add_item(item, checked)
            try:
                await self._store_for_owner(item, published)
                ready = await self._mark_ready(item)
            except (DomainError, PortError):
                await self._abandon(item)
                raise
        return ready

    def _make_item(
        self,
        command: UploadImageCommand,
        published: PublishedImage,
        item_id: str,
        began_at: datetime,
    ) -> MediaItem:
        image = published.full.image
        random = self.randomness.bytes(STORAGE_KEY_BYTES)
        return MediaItem(
            id=item_id,
            owner_id=command.owner_id,
            storage_key=make_storage_key(item_id, random, image.format.suffix),
            image=image,
            category=command.category,
            created_at=self.clock.now(),
            state=ItemState.PENDING,
            upload_deadline=began_at + UPLOAD_TIMEOUT,
            variants=make_variants(
                item_id, self.variant_specs, published.variants, self.randomness
            ),
        )

    async def _add_item(self, item: MediaItem, checked: Versioned[MediaUsage | None]) -> None:
        try:
            await self.quota.reserve(item, checked)
            if not await self.media_items.add(item):
                raise ConcurrencyConflict("an item has the same id")
        except StorageError:
            await self.quota.remove(item)
            raise

    async def _store_for_owner(self, item: MediaItem, published: PublishedImage) -> None:
        """Store the files, and check meanwhile that the owner still exists.

        The check comes after the item was added: an owner that is deleted after it is cleaned up
        together with the item. Both end before an error is raised, which leaves nothing behind.
        """
        _, exists = await _end_both(
            self._store_files(item, published), self._owner_exists(item.owner_id)
        )
        if not exists:
            raise Unauthenticated

    async def _store_files(self, item: MediaItem, published: PublishedImage) -> None:
        files = {item.storage_key: published.full}
        files |= {
            variant.storage_key: published.variants[variant.name] for variant in item.variants
        }
        await write_files(self.media_files, files)

    async def _mark_ready(self, item: MediaItem) -> MediaItem:
        ready = item.mark_ready(self.clock.now())
        if ready is not None and await self.media_items.replace(ready, version=1):
            return ready
        if not await self._owner_exists(item.owner_id):
            raise Unauthenticated
        raise ItemSaveFailed

    async def _abandon(self, item: MediaItem) -> None:
        """Mark the item for deletion, if the database answers; otherwise the cleanup does."""
        with suppress(StorageError):
            loaded = await self.media_items.load(item.id)
            if loaded is not None:
                # It may be ready if a response was lost. The client gets an error all the same, so
                # a repetition of the upload is no upload of a deleted item.
                unfinished = replace(loaded.value, has_been_ready=False)
                await self.mark_for_deletion(Versioned(unfinished, loaded.version))

    async def _check_owner(self, principal: Principal, owner_id: str) -> None:
        loaded = await self.identities.load(owner_id)
        if loaded is None or loaded.value.is_deleted:
            raise UserNotFound
        principal.check_rank(loaded.value)

    async def _owner_exists(self, identity_id: str) -> bool:
        loaded = await self.identities.load(identity_id)
        return loaded is not None and not loaded.value.is_deleted

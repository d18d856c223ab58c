"""Repeated uploads: each idempotency key makes one item."""

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO, Final

from application.features.media.ports import MediaItems
from application.ports.errors import StorageError
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords, Versioned
from application.update import change
from domain.features.media.errors import IdempotencyKeyReused, ItemDeleted, UploadInProgress
from domain.features.media.idempotency import IDEMPOTENCY_KEY_TTL, IdempotencyKey, hash_texts
from domain.features.media.item import UPLOAD_TIMEOUT, ItemState, MediaItem

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

    async def claim(
        self, uploader_id: str, key: str, fingerprint: str, item_id: str
    ) -> IdempotencyKey | MediaItem:
        """Return the key for a new upload, or the item if this upload is a repetition."""
        now = self.clock.now()
        claimed = IdempotencyKey(
            id=hash_texts(uploader_id, key),
            fingerprint=fingerprint,
            item_id=item_id,
            upload_deadline=now + UPLOAD_TIMEOUT,
            expires_at=now + IDEMPOTENCY_KEY_TTL,
        )

        async def claim(
            existing: IdempotencyKey | None,
        ) -> tuple[IdempotencyKey, IdempotencyKey | MediaItem]:
            if existing is not None and existing.expires_at > now:
                item = await self._find_item(existing, fingerprint)
                if item is not None:
                    return existing, item
            return claimed, claimed

        unused = Versioned(None, 0)  # most keys are new
        return await change(self.idempotency_keys, claimed.id, claim, loaded=unused)

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


def hash_upload(upload: BinaryIO) -> str:
    """Return a hash of the bytes of an upload; the file is at its beginning again."""
    content = sha256()
    while chunk := upload.read(_CHUNK_BYTES):
        content.update(chunk)
    upload.seek(0)
    return content.hexdigest()

"""Import an item of another system's library, with its picture."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import BinaryIO, Final, Protocol

from application.features.imports.item_lines import ImportedItem
from application.features.imports.lines import ImportOutcome, ImportProblem, ImportResult
from application.features.media.deletions import MarkForDeletion, delete_files
from application.features.media.feature import MediaPorts, require_ports
from application.features.media.media_urls import make_variants, write_files
from application.features.media.ports import MediaItems, PublishedImage
from application.ports.errors import ConcurrencyConflict
from application.ports.identities import Identities
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords, Versioned
from domain.features.media.errors import InvalidImage, UnsupportedImageType
from domain.features.media.image import VariantSpec
from domain.features.media.item import (
    STORAGE_KEY_BYTES,
    UPLOAD_TIMEOUT,
    ItemState,
    MediaItem,
    make_storage_key,
)
from domain.features.media.usage import IdempotencyKey, hash_texts


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that is open for reading, at its beginning, and its size in bytes."""

    file: BinaryIO
    size: int


@dataclass(frozen=True, slots=True)
class UnreadablePicture:
    """Why a file cannot be read."""

    problem: ImportProblem
    message: str = ""


class Pictures(Protocol):
    """The folder with the pictures of an import."""

    async def open(self, path: str, /) -> Picture | UnreadablePicture:
        """Open a file by its path in the folder. The caller closes it.

        No path leads out of the folder, not by a link.
        """
        ...


IMPORT_KEY_TTL: Final = timedelta(days=400)
"""How long an import knows that an item which was deleted here was imported before."""
_MAX_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class _Stored:
    """The item with the id of a line, in any state; and whether it is known to be imported."""

    item: Versioned[MediaItem] | None
    was_imported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportItem:
    """Import an item: record, file, ready.

    - Id, owner, category and time are kept. The file is decoded and encoded anew, as an upload is.
    - The record is written first, so whatever a crash leaves behind is found: the next import
      continues the item, or a cleanup deletes it. A continued item gets new storage keys, and has
      the former ones until their files are deleted: another import or a cleanup may still use them.
    - A repeat reads no file. It brings no item back that was deleted here.
    - A quota refuses no item. The caller counts those of each owner.
    """

    identities: Identities
    media_items: MediaItems
    idempotency_keys: ExpiringRecords[IdempotencyKey]
    media_ports: MediaPorts | None
    mark_for_deletion: MarkForDeletion
    clock: Clock
    randomness: Randomness
    variant_specs: tuple[VariantSpec, ...]
    max_file_bytes: int

    async def __call__(
        self, item: ImportedItem, owner_id: str | None, pictures: Pictures, *, is_dry_run: bool
    ) -> ImportResult:
        """Import the item of an owner; None if there is no such owner.

        A dry run only says what would become of it, and decodes no picture.
        """
        for _ in range(_MAX_ATTEMPTS):
            stored = await self._look(item)
            known = _compare(item, owner_id, stored)
            if known is not None or owner_id is None:
                if known and known.outcome is ImportOutcome.UNCHANGED and not is_dry_run:
                    await self._remember(item.id)  # an import may have been killed before that
                return known or item.reject(ImportProblem.OWNER_NOT_IMPORTED)
            opened = await pictures.open(item.file)
            if isinstance(opened, UnreadablePicture):
                return item.reject(opened.problem, opened.message)
            with opened.file:
                if opened.size > self.max_file_bytes:
                    text = f"It has {opened.size} bytes, and the limit is {self.max_file_bytes}."
                    return item.reject(ImportProblem.FILE_TOO_LARGE, text)
                if is_dry_run:
                    return item.to_result(ImportOutcome.CREATED)
                result = await self._publish(item, owner_id, opened.file, stored.item)
            if result is not None:
                return result
        raise ConcurrencyConflict("others change the same item all the time")

    async def _look(self, item: ImportedItem) -> _Stored:
        found, key = await asyncio.gather(
            self.media_items.load(item.id), self.idempotency_keys.load(_import_key_id(item.id))
        )
        return _Stored(found, was_imported=key is not None)

    async def _publish(
        self,
        item: ImportedItem,
        owner_id: str,
        file: BinaryIO,
        found: Versioned[MediaItem] | None,
    ) -> ImportResult | None:
        """Publish the image as `UploadImage` does; return None if somebody else was faster."""
        ports = require_ports(self.media_ports)
        try:
            async with ports.image_publisher.publish(
                file, item.id, self.variant_specs
            ) as published:
                pending = self._make_item(item, owner_id, published, found)
                begun = await self._begin(pending, found)
                if begun is None:
                    return None
                images = {pending.storage_key: published.full}
                images |= {
                    variant.storage_key: published.variants[variant.name]
                    for variant in pending.variants
                }
                await write_files(ports.files, images)
        except UnsupportedImageType as error:
            return item.reject(ImportProblem.UNSUPPORTED_IMAGE_TYPE, f"It is {error.detected}.")
        except InvalidImage as error:
            return item.reject(ImportProblem.INVALID_IMAGE, str(error))
        return await self._finish(item, begun, frozenset(images))

    def _make_item(
        self,
        item: ImportedItem,
        owner_id: str,
        published: PublishedImage,
        found: Versioned[MediaItem] | None,
    ) -> MediaItem:
        now, image = self.clock.now(), published.full.image
        random = self.randomness.bytes(STORAGE_KEY_BYTES)
        return MediaItem(
            id=item.id,
            owner_id=owner_id,
            storage_key=make_storage_key(item.id, random, image.format.suffix),
            image=image,
            category=item.category,
            created_at=min(item.created_at or now, now),
            state=ItemState.PENDING,
            upload_deadline=now + UPLOAD_TIMEOUT,
            variants=make_variants(
                item.id, self.variant_specs, published.variants, self.randomness
            ),
            unused_keys=found.value.storage_keys if found else (),
        )

    async def _begin(
        self, pending: MediaItem, found: Versioned[MediaItem] | None
    ) -> Versioned[MediaItem] | None:
        """Write the record, and return it as it is stored; None if somebody else was faster."""
        if not await self.media_items.save(pending.id, pending, found.version if found else 0):
            return None
        # An id that was used before may begin with another version.
        begun = await self.media_items.load(pending.id)
        return begun if begun is not None and begun.value == pending else None

    async def _finish(
        self, item: ImportedItem, begun: Versioned[MediaItem], written: frozenset[str]
    ) -> ImportResult | None:
        files, pending = require_ports(self.media_ports).files, begun.value
        await delete_files(files, pending.unused_keys)
        # An owner who is deleted after this check is cleaned up together with the item.
        owner = await self.identities.load(pending.owner_id)
        if owner is None or owner.value.is_deleted:
            await self.mark_for_deletion(begun)
            return item.reject(ImportProblem.OWNER_NOT_IMPORTED)
        ready = replace(pending, unused_keys=()).mark_ready(self.clock.now())
        if ready is None or not await self.media_items.replace(ready, begun.version):
            current = await self.media_items.load(item.id)
            used = current.value.storage_keys if current else ()
            await delete_files(files, written.difference(used))
            return None
        await self._remember(item.id)
        return item.to_result(ImportOutcome.CREATED)

    async def _remember(self, item_id: str) -> None:
        """Write that the item was imported, so that it does not come back when it is deleted."""
        now = self.clock.now()
        key = IdempotencyKey(
            id=_import_key_id(item_id),
            fingerprint="",
            item_id=item_id,
            upload_deadline=now,
            expires_at=now + IMPORT_KEY_TTL,
            is_complete=True,
        )
        await self.idempotency_keys.add(key)


def _compare(item: ImportedItem, owner_id: str | None, stored: _Stored) -> ImportResult | None:
    """Return what has become of an item before; None if it is to be imported, or continued."""
    if stored.item is None:
        return item.to_result(ImportOutcome.DELETED) if stored.was_imported else None
    found = stored.item.value
    is_owners = found.owner_id == owner_id
    if is_owners and found.has_files:
        return item.to_result(ImportOutcome.UNCHANGED)
    if not found.has_files and (stored.was_imported or (is_owners and found.has_been_ready)):
        return item.to_result(ImportOutcome.DELETED)
    if owner_id is not None and not is_owners:
        return item.reject(ImportProblem.ID_IN_USE)
    return None


def _import_key_id(item_id: str) -> str:
    return hash_texts("import", item_id)

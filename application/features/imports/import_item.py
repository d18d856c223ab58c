"""Import a library row of another service, with its file."""

import asyncio
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import BinaryIO, Final

from application.features.imports.ports import SourceFiles
from application.features.imports.sources import ImportedItem
from application.features.media.deletions import MarkForDeletion, delete_files
from application.features.media.feature import MediaPorts, require_ports
from application.features.media.ports import (
    MediaItems,
    PublishedImage,
)
from application.features.media.variants import make_variants, write_files
from application.ports.errors import ConcurrencyConflict, MediaFileRejected
from application.ports.identities import Identities
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords, Versioned
from domain.features.media.errors import InvalidImage, UnsupportedImageType
from domain.features.media.idempotency import IdempotencyKey, hash_texts
from domain.features.media.image import VariantSpec
from domain.features.media.item import (
    STORAGE_KEY_BYTES,
    UPLOAD_TIMEOUT,
    ItemState,
    MediaItem,
    make_storage_key,
)
from domain.identifier import parse_identifier
from domain.identities.identity import Identity

IMPORT_KEY_TTL: Final = timedelta(days=400)
"""How long an import knows that an item which was deleted here was imported before."""
_MAX_ATTEMPTS: Final = 5


class ItemOutcome(StrEnum):
    """What became of a library row."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    """It was imported before."""
    DELETED = "deleted"
    """It was imported before, and its owner has deleted it here."""
    REJECTED = "rejected"


class ItemProblem(StrEnum):
    """Why a row is not imported."""

    ID_IN_USE = "id_in_use"
    OWNER_NOT_IMPORTED = "owner_not_imported"
    OTHER_BUCKET = "other_bucket"
    FILE_MISSING = "file_missing"
    FILE_UNREADABLE = "file_unreadable"
    FILE_TOO_LARGE = "file_too_large"
    UNSUPPORTED_IMAGE_TYPE = "unsupported_image_type"
    INVALID_IMAGE = "invalid_image"


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of a row.

    Attributes:
        outcome: What was done; of a dry run, what would be.
        problem: Why it is rejected.
        message: More words on the problem.
        item: The item as it is stored; None if it is rejected or deleted, and in a dry run.
        read_bytes: The size of the file that was read.
    """

    outcome: ItemOutcome
    problem: ItemProblem | None = None
    message: str = ""
    item: MediaItem | None = None
    read_bytes: int = 0


class _Rejected(Exception):
    """The row cannot be imported."""

    def __init__(self, problem: ItemProblem, message: str = "") -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportItem:
    """Import a row: record, file, ready.

    - Id, owner, category and time are kept. The file is decoded and encoded anew, as an upload is.
    - The record is written first, so whatever a crash leaves behind is found: the next import
      continues the item, or a cleanup deletes it. A continued item gets new storage keys, and has
      the former ones until their files are deleted: another import or a cleanup may still use them.
    - A repeat reads only. It brings no item back that its owner has deleted here.
    - The owner is a user of that service: anybody could send it any id, also that of an
      account which was made here.
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

    async def __call__(
        self,
        row: ImportedItem,
        files: SourceFiles,
        max_bytes: int,
        open_temporary_file: Callable[[], BinaryIO],
        accepted_ids: Container[str],
    ) -> ItemResult:
        """Import the row.

        Args:
            row: The row.
            files: Where its file is.
            max_bytes: The maximum size of the file.
            open_temporary_file: Opens an empty file for it.
            accepted_ids: The ids of users who were imported before, or are here already.

        Raises:
            StorageError, MediaStorageUnavailable, DomainError: Run the import again to continue.
        """
        for _ in range(_MAX_ATTEMPTS):
            try:
                existing, result, is_known = await self._find(row)
                if result is not None:
                    if result.item is not None and not is_known:
                        await self._remember(result.item)
                    return result
                await self._check_owner(row, accepted_ids)
                key = await self._check(row, files, max_bytes)
                with open_temporary_file() as file:
                    read_bytes = await _copy(files, key, file, max_bytes)
                    item = await self._publish(row, file, existing)
                    return ItemResult(ItemOutcome.IMPORTED, item=item, read_bytes=read_bytes)
            except _Rejected as error:
                return ItemResult(ItemOutcome.REJECTED, error.problem, error.message)
            except ConcurrencyConflict:
                continue  # another import, or a cleanup, was faster
        raise ConcurrencyConflict("another import changes the same items")

    async def check(
        self, row: ImportedItem, files: SourceFiles, max_bytes: int, accepted_ids: Container[str]
    ) -> ItemResult:
        """Return what would become of the row. No file is read.

        Args:
            row: The row.
            files: Where its file is.
            max_bytes: The maximum size of the file.
            accepted_ids: The ids of users who would be imported before.

        Raises:
            StorageError, MediaStorageUnavailable
        """
        _, result, _ = await self._find(row)
        if result is not None:
            return result
        try:
            if parse_identifier(row.owner) not in accepted_ids:
                await self._check_owner(row, accepted_ids)
            await self._check(row, files, max_bytes)
        except _Rejected as error:
            return ItemResult(ItemOutcome.REJECTED, error.problem, error.message)
        return ItemResult(ItemOutcome.IMPORTED)

    async def _find(
        self, row: ImportedItem
    ) -> tuple[Versioned[MediaItem] | None, ItemResult | None, bool]:
        """Find what has become of the row before.

        Returns:
            The item of an interrupted import, or the result if there is nothing left to do; and
            whether it is written that the row was imported.
        """
        existing, key = await asyncio.gather(
            self.media_items.load(row.id), self.idempotency_keys.load(_import_key_id(row.id))
        )
        is_known = key is not None
        if existing is None:
            return None, ItemResult(ItemOutcome.DELETED) if is_known else None, is_known
        item = existing.value
        if item.owner_id != parse_identifier(row.owner):
            return None, ItemResult(ItemOutcome.REJECTED, ItemProblem.ID_IN_USE), is_known
        if item.has_files:
            return None, ItemResult(ItemOutcome.UNCHANGED, item=item), is_known
        if item.has_been_ready:
            return None, ItemResult(ItemOutcome.DELETED), is_known
        return existing, None, is_known

    async def _check(self, row: ImportedItem, files: SourceFiles, max_bytes: int) -> str:
        """Return the key of the file, which exists and is not too large."""
        key = row.file_key
        if key is None:
            raise _Rejected(ItemProblem.OTHER_BUCKET)
        try:
            size = await files.get_size(key)
        except MediaFileRejected as error:
            raise _Rejected(ItemProblem.FILE_UNREADABLE, str(error)) from None
        if size is None:
            raise _Rejected(ItemProblem.FILE_MISSING)
        _check_size(size, max_bytes)
        return key

    async def _publish(
        self, row: ImportedItem, file: BinaryIO, existing: Versioned[MediaItem] | None
    ) -> MediaItem:
        """Publish the image as `UploadImage` does, under the id of the row."""
        now = self.clock.now()
        try:
            async with require_ports(self.media_ports).image_publisher.publish(
                file, row.id, self.variant_specs
            ) as published:
                item = self._make_item(row, published, now, existing)
                begun = await self._begin(item, existing)
                images = {item.storage_key: published.full}
                images |= {
                    variant.storage_key: published.variants[variant.name]
                    for variant in item.variants
                }
                await write_files(require_ports(self.media_ports).files, images)
        except UnsupportedImageType as error:
            raise _Rejected(ItemProblem.UNSUPPORTED_IMAGE_TYPE, error.detected) from None
        except InvalidImage as error:
            raise _Rejected(ItemProblem.INVALID_IMAGE, str(error)) from None
        return await self._finish(begun, tuple(images))

    def _make_item(
        self,
        row: ImportedItem,
        published: PublishedImage,
        now: datetime,
        existing: Versioned[MediaItem] | None,
    ) -> MediaItem:
        image = published.full.image
        random = self.randomness.bytes(STORAGE_KEY_BYTES)
        return MediaItem(
            id=row.id,
            owner_id=parse_identifier(row.owner) or "",
            storage_key=make_storage_key(row.id, random, image.format.suffix),
            image=image,
            category=row.category,
            created_at=row.created_at,
            state=ItemState.PENDING,
            upload_deadline=now + UPLOAD_TIMEOUT,
            variants=make_variants(row.id, self.variant_specs, published.variants, self.randomness),
            unused_keys=existing.value.storage_keys if existing else (),
        )

    async def _begin(
        self, item: MediaItem, existing: Versioned[MediaItem] | None
    ) -> Versioned[MediaItem]:
        """Write the record of the pending item, and return it as it is stored."""
        is_written = await (
            self.media_items.replace(item, existing.version)
            if existing
            else self.media_items.add(item)
        )
        # An id that was used before may begin with another version.
        begun = await self.media_items.load(item.id) if is_written else None
        if begun is None or begun.value != item:
            raise ConcurrencyConflict("an item was changed while it was imported")
        return begun

    async def _finish(self, begun: Versioned[MediaItem], written: tuple[str, ...]) -> MediaItem:
        item = begun.value
        await delete_files(require_ports(self.media_ports).files, item.unused_keys)
        # An owner who is deleted after this check is cleaned up together with the item.
        if await self._load_owner(item.owner_id) is None:
            await self.mark_for_deletion(begun)
            raise _Rejected(ItemProblem.OWNER_NOT_IMPORTED)
        ready = replace(item, unused_keys=()).mark_ready(self.clock.now())
        if ready is None or not await self.media_items.replace(ready, begun.version):
            current = await self.media_items.load(item.id)
            used = current.value.storage_keys if current else ()
            await delete_files(require_ports(self.media_ports).files, set(written).difference(used))
            raise ConcurrencyConflict("an item was changed while it was imported")
        await self._remember(ready)
        return ready

    async def _remember(self, item: MediaItem) -> None:
        """Write that the row was imported, so that a deleted item does not come back."""
        now = self.clock.now()
        key = IdempotencyKey(
            id=_import_key_id(item.id),
            fingerprint="",
            item_id=item.id,
            upload_deadline=now,
            expires_at=now + IMPORT_KEY_TTL,
            is_complete=True,
        )
        await self.idempotency_keys.add(key)

    async def _check_owner(self, row: ImportedItem, accepted_ids: Container[str]) -> None:
        owner_id = parse_identifier(row.owner)
        owner = await self._load_owner(owner_id) if owner_id else None
        if owner is None or (owner.imported.at is None and owner_id not in accepted_ids):
            raise _Rejected(ItemProblem.OWNER_NOT_IMPORTED)

    async def _load_owner(self, identity_id: str) -> Identity | None:
        """Return an identity that is not deleted."""
        loaded = await self.identities.load(identity_id)
        return None if loaded is None or loaded.value.is_deleted else loaded.value


def _import_key_id(item_id: str) -> str:
    return hash_texts("import", item_id)


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise _Rejected(
            ItemProblem.FILE_TOO_LARGE, f"It has {size} bytes, and the limit is {max_bytes}."
        )


async def _copy(files: SourceFiles, key: str, file: BinaryIO, max_bytes: int) -> int:
    """Copy a file of the other service to an empty one, and return its size."""
    size = 0
    try:
        async with files.open_file(key) as stored:
            if stored is None:
                raise _Rejected(ItemProblem.FILE_MISSING)
            async for chunk in stored.chunks:
                size += len(chunk)
                _check_size(size, max_bytes)
                file.write(chunk)
    except MediaFileRejected as error:
        raise _Rejected(ItemProblem.FILE_UNREADABLE, str(error)) from None
    file.seek(0)
    return size

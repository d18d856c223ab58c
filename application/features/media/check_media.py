"""Compare the library with the media store: items without their file, and files without an item."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from application.features.media.deletions import MarkForDeletion
from application.features.media.ports import MediaFiles, MediaItems
from application.features.media.quota import LibraryQuota
from domain.features.media.item import MediaItem, parse_storage_key

BATCH_SIZE: Final = 64
"""Files or items that are looked up at the same time."""

ShowProgress = Callable[["MediaFindings"], None]


@dataclass(slots=True)
class MediaFindings:
    """What a check has found so far.

    Attributes:
        files: The number of files that were checked. Those without a storage key are left out.
        items_without_variant: The ids of other items of which the file of a variant is missing.
    """

    files: int = 0
    items: int = 0
    files_without_item: list[str] = field(default_factory=list)
    items_without_file: list[str] = field(default_factory=list)
    items_without_variant: list[str] = field(default_factory=list)
    owners: set[str] = field(default_factory=set)
    repaired: int = 0
    corrected_usages: int = 0

    @property
    def orphans(self) -> int:
        items = len(self.items_without_file) + len(self.items_without_variant)
        return len(self.files_without_item) + items

    @property
    def is_suspicious(self) -> bool:
        """Whether none of what was checked matches: one of the stores is probably another one."""
        has_match = len(self.items_without_file) < self.items
        return not has_match and max(self.files, self.items) > 0


@dataclass(frozen=True, slots=True)
class CheckMedia:
    """Find what a restored backup or a lost disk leaves behind, and repair it.

    `find` and `repair` are safe while the service runs, and however often they run: an upload
    writes its item first, and a deletion removes the item last. What the cleanup is going to delete
    is left out. A file of another size than its item says is incomplete, and so counts as missing.
    """

    media_items: MediaItems
    media_files: MediaFiles
    mark_for_deletion: MarkForDeletion
    quota: LibraryQuota

    async def find(self, show_progress: ShowProgress) -> MediaFindings:
        findings = MediaFindings()
        batch: list[str] = []
        async for storage_key in self.media_files.list_files():
            if parse_storage_key(storage_key) is not None:
                batch.append(storage_key)
            if len(batch) == BATCH_SIZE:
                await self._check_files(batch, findings)
                show_progress(findings)
                batch = []
        await self._check_files(batch, findings)
        last_id = ""
        while items := await self.media_items.list_by_id(last_id, BATCH_SIZE):
            last_id = items[-1].value.id
            await self._check_items([item.value for item in items], findings)
            show_progress(findings)
        return findings

    async def repair(self, findings: MediaFindings, show_progress: ShowProgress) -> None:
        """Delete files without an item, and items without their file; count all usages anew.

        An item without the file of a variant loses this variant: it can be rebuilt. Each finding is
        checked again.
        """
        for storage_key in findings.files_without_item:
            if not await self._has_item(storage_key):
                await self.media_files.delete(storage_key)
                findings.repaired += 1
                show_progress(findings)
        for item_id in (*findings.items_without_file, *findings.items_without_variant):
            findings.repaired += await self._repair_item(item_id)
            show_progress(findings)
        for owner_id in sorted(findings.owners):
            findings.corrected_usages += await self.quota.recount(owner_id)

    async def _check_files(self, storage_keys: list[str], findings: MediaFindings) -> None:
        found = await asyncio.gather(*map(self._has_item, storage_keys))
        findings.files += len(storage_keys)
        findings.files_without_item += [
            key for key, has_item in zip(storage_keys, found, strict=True) if not has_item
        ]

    async def _check_items(self, items: list[MediaItem], findings: MediaFindings) -> None:
        missing = await asyncio.gather(*map(self._find_missing, items))
        for item, keys in zip(items, missing, strict=True):
            findings.items += item.has_files
            findings.owners.add(item.owner_id)
            # It may have been deleted, or got other variants, since it was listed.
            loaded = await self.media_items.load(item.id) if keys else None
            if loaded is not None and (keys := await self._find_missing(loaded.value)):
                is_whole = item.storage_key in keys
                (
                    findings.items_without_file if is_whole else findings.items_without_variant
                ).append(item.id)

    async def _repair_item(self, item_id: str) -> bool:
        loaded = await self.media_items.load(item_id)
        missing = await self._find_missing(loaded.value) if loaded else set[str]()
        if loaded is None or not missing:
            return False
        item = loaded.value
        if item.storage_key in missing:
            return await self.mark_for_deletion(loaded)
        present = tuple(variant for variant in item.variants if variant.storage_key not in missing)
        return await self.media_items.replace(item.replace_variants(present), loaded.version)

    async def _has_item(self, storage_key: str) -> bool:
        item_id = parse_storage_key(storage_key)
        item = await self.media_items.load(item_id) if item_id else None
        return item is not None and storage_key in item.value.storage_keys

    async def _find_missing(self, item: MediaItem) -> set[str]:
        """Return the storage keys of an item that have no file, or an incomplete one."""
        if not item.has_files:
            return set()
        expected = {variant.storage_key: variant.image.bytes for variant in item.variants}
        expected[item.storage_key] = item.image.bytes
        sizes = await asyncio.gather(*map(self.media_files.get_size, expected))
        return {
            key for (key, size), found in zip(expected.items(), sizes, strict=True) if found != size
        }

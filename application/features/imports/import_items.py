"""Import the library of another service."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from application.features.imports.import_item import ImportItem, ItemOutcome, ItemResult
from application.features.imports.ports import SourceFiles
from application.features.imports.service_report import (
    RowKind,
    RowNote,
    ServiceImport,
    ServiceReport,
)
from application.features.imports.sources import ImportedItem, SourceItem
from application.features.imports.user_lines import InvalidLine
from application.features.media.feature import MediaPorts, require_ports
from application.features.media.ports import MediaItems
from application.features.media.quota import LibraryQuota
from application.pacing import call_in_groups
from application.ports.system import Clock
from domain.errors import InvalidValue
from domain.features.media.item import MediaItem, parse_category
from domain.identifier import parse_identifier

_PARALLEL_ITEMS: Final = 8
"""A few more than images are decoded at the same time."""


@dataclass(frozen=True, slots=True)
class _ReadItem:
    """A library row, and what became of it."""

    row: ImportedItem
    result: ItemResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportItems:
    """Import all library rows, in the order in which they are read.

    Each item is compared with what is stored, right after it was imported. What people have changed
    here since an earlier import is no difference.
    """

    import_item: ImportItem
    media_items: MediaItems
    media_ports: MediaPorts | None
    quota: LibraryQuota
    clock: Clock

    async def __call__(
        self,
        command: ServiceImport,
        files: SourceFiles,
        report: ServiceReport,
        accepted_ids: frozenset[str],
    ) -> None:
        """Import the rows. Users with `accepted_ids` are those of the other service.

        Raises:
            StorageError, CorruptRecord, MediaStorageUnavailable, DomainError: Run it again.
        """
        now = self.clock.now()
        total, done = await command.count_items(), 0
        first_ids, owner_ids = dict[str, str](), set[str]()

        async def import_row(row: SourceItem) -> _ReadItem | None:
            return await self._import(row, now, command, files, report, accepted_ids)

        async for group in _in_groups(command.read_items()):
            for read in await call_in_groups(import_row, group, _PARALLEL_ITEMS):
                if read is None:
                    continue
                key, row_id = read.row.file_key, read.row.id
                if key is not None and (first_id := first_ids.setdefault(key, row_id)) != row_id:
                    _note_shared_file(read, first_id, command)
                if read.result.item is not None:
                    owner_ids.add(read.result.item.owner_id)
                    await self._compare(read, command, report)
            done += len(group)
            command.show_progress(RowKind.ITEM, done, total)
        if command.run is not None:
            # Also those of items that were imported before: that import may have been killed here.
            for owner_id in sorted(owner_ids):
                await self.quota.recount(owner_id)

    async def _import(
        self,
        row: SourceItem,
        now: datetime,
        command: ServiceImport,
        files: SourceFiles,
        report: ServiceReport,
        accepted_ids: frozenset[str],
    ) -> _ReadItem | None:
        def reject(reason: str, message: str) -> None:
            report.items[ItemOutcome.REJECTED] += 1
            command.reject(RowKind.ITEM, row.id, reason, message)

        report.unread_items.add(row.unread)
        item = row.item
        if isinstance(item, InvalidLine):
            reject(item.problem, item.message)
            return None
        kept = replace(
            item, category=_find_category(item.category), created_at=min(item.created_at, now)
        )
        if command.run is None:
            result = await self.import_item.check(kept, files, command.max_file_bytes, accepted_ids)
        else:
            result = await self.import_item(
                kept, files, command.max_file_bytes, command.open_temporary_file, accepted_ids
            )
        if result.problem is not None:
            reject(result.problem, result.message)
            return None
        report.items[result.outcome] += 1
        if result.outcome is ItemOutcome.IMPORTED and kept.category != item.category:
            text = "It is imported without its category, which is too long or cannot be stored."
            command.note(RowKind.ITEM, row.id, RowNote.CATEGORY_DROPPED, text)
        return _ReadItem(kept, result)

    async def _compare(
        self, read: _ReadItem, command: ServiceImport, report: ServiceReport
    ) -> None:
        """Add an item to the checksums, as it was read and as it is stored."""
        row, result = read.row, read.result
        loaded = await self.media_items.load(row.id)
        item = loaded.value if loaded else None
        if item is not None and not item.has_files:
            return  # deleted by its owner, since it was imported
        is_new = result.outcome is ItemOutcome.IMPORTED
        owner_id = parse_identifier(row.owner)
        category = row.category if is_new or item is None else item.category
        expected = (row.id, owner_id, category, row.created_at.isoformat())
        found: tuple[str | None, ...] = (None,)
        if item is not None:
            found = (item.id, item.owner_id, item.category, item.created_at.isoformat())
        report.source_items.add(*expected)
        report.stored_items.add(*found)
        has_files = True
        if item is not None and is_new:
            report.source_files.add(result.read_bytes)
            has_files = await self._compare_files(item, report)
        if expected != found or not has_files:
            command.note_difference(RowKind.ITEM, row.id)

    async def _compare_files(self, item: MediaItem, report: ServiceReport) -> bool:
        images = {item.storage_key: item.image}
        images |= {variant.storage_key: variant.image for variant in item.variants}
        is_equal = True
        for storage_key, image in images.items():
            size = await require_ports(self.media_ports).files.get_size(storage_key)
            report.published_files.add(image.bytes)
            if size is not None:
                report.stored_files.add(size)
            is_equal = is_equal and size == image.bytes
        return is_equal


async def _in_groups(rows: AsyncIterator[SourceItem]) -> AsyncIterator[list[SourceItem]]:
    group = list[SourceItem]()
    async for row in rows:
        group.append(row)
        if len(group) == _PARALLEL_ITEMS:
            yield group
            group = []
    if group:
        yield group


def _find_category(text: str | None) -> str | None:
    try:
        return None if text is None else parse_category(text)
    except InvalidValue:
        return None


def _note_shared_file(read: _ReadItem, first_id: str, command: ServiceImport) -> None:
    text = f"Its file is also that of item {first_id}: the older service kept one for each name."
    command.note(RowKind.ITEM, read.row.id, RowNote.FILE_SHARED, text)

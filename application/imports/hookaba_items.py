"""Import the library of hookaba-backend."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from application.imports.hookaba_report import (
    HookabaImport,
    HookabaNote,
    HookabaProblem,
    HookabaReport,
    RowKind,
)
from application.imports.import_item import ImportItem, ItemOutcome, ItemProblem, ItemResult
from application.media.feature import MediaPorts, require_ports
from application.media.quota import LibraryQuota
from application.pacing import call_in_groups
from application.ports.media import MediaItems
from application.ports.older_service import OlderFiles, OlderItem, UnreadableRow
from application.ports.system import Clock
from domain.errors import InvalidValue
from domain.identifier import parse_identifier
from domain.media.item import MediaItem, parse_category

ITEMS_PER_PAGE: Final = 128
PARALLEL_ITEMS: Final = 8
"""A few more than images are decoded at the same time."""


@dataclass(frozen=True, slots=True)
class _ReadItem:
    """A library row, and what became of it."""

    row: OlderItem
    result: ItemResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportHookabaItems:
    """Import all library rows, in the order of their ids.

    Each page is compared with what is stored, right after it was imported. What people have changed
    here since an earlier import is no difference.
    """

    import_item: ImportItem
    media_items: MediaItems
    media_ports: MediaPorts | None
    quota: LibraryQuota
    clock: Clock

    async def __call__(
        self,
        command: HookabaImport,
        files: OlderFiles,
        report: HookabaReport,
        accepted_ids: frozenset[str],
    ) -> None:
        """Import the rows. Users with `accepted_ids` are those of the older service.

        Raises:
            StorageError, CorruptRecord, MediaStorageUnavailable, DomainError: Run it again.
        """
        now = self.clock.now()
        total, done = await command.service.count_items(), 0
        first_ids, owner_ids = dict[str, str](), set[str]()

        async def import_row(row: OlderItem | UnreadableRow) -> _ReadItem | None:
            return await self._import(row, now, command, files, report, accepted_ids)

        async for page in command.service.read_items(ITEMS_PER_PAGE):
            for read in await call_in_groups(import_row, page, PARALLEL_ITEMS):
                if read is None:
                    continue
                first_id = first_ids.setdefault(read.row.url, read.row.id)
                if first_id != read.row.id:
                    _note_shared_file(read, first_id, command)
                if read.result.item is not None:
                    owner_ids.add(read.result.item.owner_id)
                    await self._compare(read, command, report)
            done += len(page)
            command.show_progress(RowKind.ITEM, done, total)
        # Also those of items that were imported before: that import may have been killed here.
        for owner_id in sorted(owner_ids):
            await self.quota.recount(owner_id)

    async def _import(
        self,
        row: OlderItem | UnreadableRow,
        now: datetime,
        command: HookabaImport,
        files: OlderFiles,
        report: HookabaReport,
        accepted_ids: frozenset[str],
    ) -> _ReadItem | None:
        def reject(reason: str, message: str) -> None:
            report.items[ItemOutcome.REJECTED] += 1
            command.reject(RowKind.ITEM, row.id, reason, message)

        if isinstance(row, UnreadableRow):
            reject(HookabaProblem.UNREADABLE, row.message)
            return None
        report.unread_items.add(row.unread)
        kept = replace(
            row, category=_find_category(row.category), created_at=min(row.created_at, now)
        )
        if command.run is None:
            result = await self.import_item.check(kept, files, command.max_file_bytes, accepted_ids)
        else:
            result = await self.import_item(
                kept, files, command.max_file_bytes, command.open_temporary_file, accepted_ids
            )
        if result.problem is not None:
            reject(result.problem, result.message or _MESSAGES.get(result.problem, ""))
            return None
        report.items[result.outcome] += 1
        if result.outcome is ItemOutcome.IMPORTED and kept.category != row.category:
            text = "It is imported without its category, which is too long or cannot be stored."
            command.note(RowKind.ITEM, row.id, HookabaNote.CATEGORY_DROPPED, text)
        return _ReadItem(kept, result)

    async def _compare(
        self, read: _ReadItem, command: HookabaImport, report: HookabaReport
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

    async def _compare_files(self, item: MediaItem, report: HookabaReport) -> bool:
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


_MESSAGES: Final = {
    ItemProblem.ID_IN_USE: "Another user has an item with this id.",
    ItemProblem.OWNER_NOT_IMPORTED: "Its user_id is no user who was imported.",
    ItemProblem.OTHER_BUCKET: "Its URL does not lead to the bucket of --files.",
    ItemProblem.FILE_MISSING: "Its file does not exist.",
}


def _find_category(text: str | None) -> str | None:
    try:
        return None if text is None else parse_category(text)
    except InvalidValue:
        return None


def _note_shared_file(read: _ReadItem, first_id: str, command: HookabaImport) -> None:
    text = f"Its file is also that of item {first_id}: the older service kept one for each name."
    command.note(RowKind.ITEM, read.row.id, HookabaNote.FILE_SHARED, text)

"""What operators do with items of the library of others."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from application.administration.acts import Act
from application.administration.operator import Operator
from application.features.media.deletions import MarkForDeletion
from application.features.media.library import FoundFile
from application.features.media.ports import MediaItems
from application.ports.identities import Identities
from application.ports.versioned import Versioned
from application.record_act import RecordAct
from application.update import change
from domain.administration.audit import AuditAction
from domain.administration.scopes import Scope
from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.features.media.errors import ItemNotFound
from domain.features.media.item import ItemFilter, MediaItem

HIDE: Final = Act(
    name="hide",
    action=AuditAction.HIDE_ITEM,
    does="Hide an item from everybody but staff, also from its owner",
    scope=Scope.MODERATE_LIBRARY,
    needs_reason=True,
)
UNHIDE: Final = Act(
    name="unhide",
    action=AuditAction.UNHIDE_ITEM,
    does="Show a hidden item again to those who saw it before",
    scope=Scope.MODERATE_LIBRARY,
    needs_reason=True,
)
DELETE: Final = Act(
    name="delete",
    action=AuditAction.DELETE_ITEM,
    does="Delete an item and its files, hidden or not",
    scope=Scope.MODERATE_LIBRARY,
    needs_reason=True,
)


@dataclass(frozen=True, slots=True)
class ModerationPage:
    """Items, the newest first, and the cursor of the next page if there is one.

    A page may be shorter than requested, even empty, and still not be the last.
    """

    items: Sequence[MediaItem]
    next_cursor: Cursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModerateItems:
    """Look at items, which is not in the audit, and change those of others.

    A hidden item is like a deleted one for everybody else, also for its owner. Each act is in the
    audit before it is done.

    Every method raises `Forbidden` or `InsufficientScope` without the right, and `StorageError`.
    Those that change an item raise `Forbidden` too if its owner is the operator, or staff of the
    same or a higher role, and `TooShort` without a reason.
    """

    media_items: MediaItems
    identities: Identities
    mark_for_deletion: MarkForDeletion
    record_act: RecordAct

    async def list(
        self, operator: Operator, item_filter: ItemFilter, cursor: Cursor | None, limit: int
    ) -> ModerationPage:
        """List ready or hidden items after the cursor, at most `MAX_PAGE_SIZE`.

        Items of deleted identities are left out.
        """
        operator.check_scope(Scope.READ_LIBRARY)
        size = min(limit, MAX_PAGE_SIZE)
        if cursor is None:
            read = await self.media_items.list_page(item_filter, 0, size + 1)
        else:
            read = await self.media_items.list_after(item_filter, cursor, size + 1)
        page = read[:size]
        deleted = await self.identities.find_deleted({item.owner_id for item in page})
        has_more = len(read) > size
        return ModerationPage(
            [item for item in page if item.owner_id not in deleted],
            Cursor(page[-1].created_at, page[-1].id) if has_more else None,
        )

    async def get(self, operator: Operator, item_id: str) -> MediaItem:
        operator.check_scope(Scope.READ_LIBRARY)
        return (await self._load(item_id)).value

    async def find_image(self, operator: Operator, item_id: str) -> FoundFile:
        item = await self.get(operator, item_id)
        return FoundFile(item.storage_key, item.image, item.created_at)

    async def find_thumbnail(self, operator: Operator, item_id: str) -> FoundFile:
        item = await self.get(operator, item_id)
        thumbnail = item.thumbnail
        return FoundFile(thumbnail.storage_key, thumbnail.image, item.created_at)

    async def hide(self, operator: Operator, item_id: str, reason: str) -> MediaItem:
        """Show an item to staff only. One that is hidden already stays so."""
        return await self._change(operator, HIDE, item_id, reason, MediaItem.hide)

    async def unhide(self, operator: Operator, item_id: str, reason: str) -> MediaItem:
        return await self._change(operator, UNHIDE, item_id, reason, MediaItem.unhide)

    async def delete(self, operator: Operator, item_id: str, reason: str) -> MediaItem:
        """Delete an item and its files, hidden or not, and return it as it was."""
        async with self._acting(operator, DELETE, item_id, reason) as found:
            return await self.mark_for_deletion.mark_if(found, self._check)

    async def _change(
        self,
        operator: Operator,
        act: Act,
        item_id: str,
        reason: str,
        change_item: Callable[[MediaItem], MediaItem],
    ) -> MediaItem:
        async def check_and_change(item: MediaItem) -> tuple[MediaItem, MediaItem]:
            await self._check(item)
            changed = change_item(item)
            return changed, changed

        async with self._acting(operator, act, item_id, reason) as found:
            return await change(
                self.media_items, item_id, check_and_change, missing=ItemNotFound, loaded=found
            )

    @asynccontextmanager
    async def _acting(
        self, operator: Operator, act: Act, item_id: str, reason: str
    ) -> AsyncIterator[Versioned[MediaItem]]:
        """Find the item and write the audit entry; the block does the act."""
        operator.check(act, reason)
        loaded = await self._load(item_id)
        owner_id = loaded.value.owner_id
        owner = await self.identities.load(owner_id)
        if owner is not None:
            operator.check_identity(owner.value)
        async with self.record_act(operator.actor, act.action, owner_id, reason, item_id):
            yield loaded

    async def _load(self, item_id: str) -> Versioned[MediaItem]:
        loaded = await self.media_items.load(item_id)
        if loaded is None:
            raise ItemNotFound
        await self._check(loaded.value)
        return loaded

    async def _check(self, item: MediaItem) -> None:
        if not item.has_files or await self.identities.find_deleted([item.owner_id]):
            raise ItemNotFound

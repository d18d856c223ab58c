"""Acts on items: who is told of them, whether one is in effect, and how it is repeated."""

from dataclasses import dataclass

from application.administration.caller import Caller
from application.media.moderate_items import ModerateItems
from application.ports.changes import ChangeObserver
from application.ports.media import MediaItems
from domain.administration.audit import AuditAction
from domain.media.acts import list_item_acts
from domain.media.item import MediaItem


@dataclass(frozen=True, slots=True)
class ReportItemActs:
    """Tell an observer of the acts in a change of an item."""

    observer: ChangeObserver

    async def __call__(self, former: MediaItem, changed: MediaItem) -> None:
        """Tell of an item that was replaced."""
        for act in list_item_acts(former, changed):
            await self.observer.item_changed(act, changed.owner_id, changed.id)


@dataclass(frozen=True, slots=True)
class RepeatItemActs:
    """Say whether an act on an item is in effect, and repeat it; see `ItemActs`."""

    media_items: MediaItems
    moderate_items: ModerateItems

    async def is_in_effect(self, action: AuditAction, item_id: str) -> bool:
        loaded = await self.media_items.load(item_id)
        if loaded is None or not loaded.value.has_files:
            return True
        if action is AuditAction.DELETE_ITEM:
            return False
        return loaded.value.is_hidden is (action is AuditAction.HIDE_ITEM)

    async def repeat(self, action: AuditAction, caller: Caller, item_id: str, reason: str) -> None:
        match action:
            case AuditAction.HIDE_ITEM:
                await self.moderate_items.hide(caller, item_id, reason)
            case AuditAction.UNHIDE_ITEM:
                await self.moderate_items.unhide(caller, item_id, reason)
            case _:
                await self.moderate_items.delete(caller, item_id, reason)

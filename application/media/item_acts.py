"""Acts on items: whether one is in effect, and its repetition after a restore."""

from dataclasses import dataclass

from application.administration.caller import Caller
from application.media.moderate_items import ModerateItems
from application.ports.media import MediaItems
from domain.administration.audit import AuditAction


@dataclass(frozen=True, slots=True)
class RepeatItemActs:
    """Say whether an act on an item is in effect, and repeat it; see `ItemActs`."""

    media_items: MediaItems
    moderate_items: ModerateItems

    async def is_in_effect(self, action: AuditAction, item_id: str) -> bool:
        """Return whether the item is as it was after the act, or whether there is none."""
        loaded = await self.media_items.load(item_id)
        if loaded is None or not loaded.value.has_files:
            return True
        if action is AuditAction.DELETE_ITEM:
            return False
        return loaded.value.is_hidden is (action is AuditAction.HIDE_ITEM)

    async def repeat(self, action: AuditAction, caller: Caller, item_id: str, reason: str) -> None:
        """Hide the item, show it again, or delete it."""
        match action:
            case AuditAction.HIDE_ITEM:
                await self.moderate_items.hide(caller, item_id, reason)
            case AuditAction.UNHIDE_ITEM:
                await self.moderate_items.unhide(caller, item_id, reason)
            case _:
                await self.moderate_items.delete(caller, item_id, reason)

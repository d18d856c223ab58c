"""The acts of an operator or owner in a change of an item."""

from domain.administration.audit import AuditAction
from domain.media.item import MediaItem


def list_item_acts(former: MediaItem, changed: MediaItem) -> list[AuditAction]:
    """Return whether an item was hidden, shown again or deleted. A failed upload is no act."""
    if not former.has_files or former.state is changed.state:
        return []
    if not changed.has_files:
        return [AuditAction.DELETE_ITEM]
    return [AuditAction.HIDE_ITEM if changed.is_hidden else AuditAction.UNHIDE_ITEM]

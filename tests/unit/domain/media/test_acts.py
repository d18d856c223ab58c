"""Which acts a change of an item is."""

from domain.administration.audit import AuditAction
from domain.media.acts import list_item_acts
from domain.media.item import ItemState
from tests.support.builders import NOW
from tests.support.media.builders import an_item


def test_acts_on_an_item() -> None:
    shown = an_item(state=ItemState.READY)
    hidden, deleted = shown.hide(), shown.mark_for_deletion(NOW)
    assert list_item_acts(shown, hidden) == [AuditAction.HIDE_ITEM]
    assert list_item_acts(hidden, hidden.hide()) == []
    assert list_item_acts(hidden, hidden.unhide()) == [AuditAction.UNHIDE_ITEM]
    assert list_item_acts(hidden, hidden.mark_for_deletion(NOW)) == [AuditAction.DELETE_ITEM]
    assert list_item_acts(deleted, deleted.mark_deletion_refused()) == []
    pending = an_item(state=ItemState.PENDING)
    assert list_item_acts(pending, pending.mark_for_deletion(NOW)) == []

"""What operators do with items of the library of others."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope

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

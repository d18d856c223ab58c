"""What operators do, and who may: for the API, the console and the command alike."""

from dataclasses import dataclass
from typing import Final

from domain.administration.audit import AuditAction
from domain.administration.scopes import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What an operator does, and who may. `Operator` applies the rules.

    Attributes:
        action: What the audit calls it.
        does: What it does, where the API and the help of the command begin with the same words, and
            the act is no row of `USER_ACTS`.
        scope: Scope that all but commands need. None if only a command does it.
        needs_reason: Whether programs say why too. People always do.
    """

    name: str
    action: AuditAction
    does: str = ""
    scope: Scope | None = None
    needs_fresh_login: bool = False
    needs_reason: bool = False


VIEW_PHONE: Final = Act(
    name="number",
    action=AuditAction.VIEW_PHONE,
    scope=Scope.READ_PHONES,
    needs_fresh_login=True,
)
RESET_LIMITS: Final = Act(
    name="reset-limits", action=AuditAction.RESET_LIMITS, scope=Scope.SUPPORT_USERS
)
SIGN_OUT: Final = Act(name="sign-out", action=AuditAction.SIGN_OUT, scope=Scope.SUPPORT_USERS)
END_SESSION: Final = Act(
    name="end-session", action=AuditAction.END_SESSION, scope=Scope.SUPPORT_USERS
)
BLOCK: Final = Act(
    name="block",
    action=AuditAction.BLOCK,
    scope=Scope.SUPPORT_USERS,
)
UNBLOCK: Final = Act(name="unblock", action=AuditAction.UNBLOCK, scope=Scope.SUPPORT_USERS)
PROMOTE: Final = Act(
    name="promote",
    action=AuditAction.PROMOTE,
    scope=Scope.CHANGE_ROLES,
    needs_fresh_login=True,
)
DEMOTE: Final = Act(
    name="demote",
    action=AuditAction.DEMOTE,
    scope=Scope.CHANGE_ROLES,
    needs_fresh_login=True,
)
SET_EXTERNAL_ID: Final = Act(
    name="external-id",
    action=AuditAction.SET_EXTERNAL_ID,
    scope=Scope.SET_USER_DATA,
    needs_fresh_login=True,
)
RENAME: Final = Act(
    name="rename",
    action=AuditAction.RENAME,
    scope=Scope.SET_USER_DATA,
    needs_fresh_login=True,
)
DETACH: Final = Act(
    name="detach",
    action=AuditAction.DETACH,
    scope=Scope.CHANGE_PHONES,
    needs_fresh_login=True,
)
DELETE: Final = Act(
    name="delete", action=AuditAction.DELETE, scope=Scope.DELETE_USERS, needs_fresh_login=True
)

"""Who asks for administration, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from application.administration.find_user import FoundUser
from application.principal import Principal
from domain.administration.audit import Actor, ActorKind, AuditAction
from domain.administration.scope import Scope
from domain.errors import Forbidden, FreshLoginRequired, InsufficientScope, ReauthenticationRequired

SCOPE_OF_ACTION: Final[Mapping[AuditAction, Scope]] = {
    AuditAction.VIEW_PHONE: Scope.READ_PHONES,
    AuditAction.RESET_LIMITS: Scope.SUPPORT_USERS,
    AuditAction.SEND_CODE: Scope.SUPPORT_USERS,
    AuditAction.SIGN_OUT: Scope.SUPPORT_USERS,
    AuditAction.BLOCK: Scope.SUPPORT_USERS,
    AuditAction.CHANGE_PHONE: Scope.CHANGE_PHONES,
    AuditAction.DELETE: Scope.DELETE_USERS,
    AuditAction.EXPORT: Scope.EXPORT_USERS,
}
"""What a service token may do, and the scope that it needs. All else is for people."""
NEEDS_FRESH_LOGIN: Final = frozenset(
    {
        AuditAction.VIEW_PHONE,
        AuditAction.CHANGE_PHONE,
        AuditAction.DELETE,
        AuditAction.EXPORT,
        AuditAction.PROMOTE,
        AuditAction.DEMOTE,
        AuditAction.SET_EXTERNAL_ID,
    }
)
"""What an administrator may do only within 15 minutes after a login."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An administrator, a service token, or whoever runs a command.

    Attributes:
        actor: Who it is, for the audit.
        scopes: What a service token may do; None for people.
        has_fresh_login: Whether an administrator logged in within the last 15 minutes. True for
            all others.
    """

    actor: Actor
    scopes: frozenset[Scope] | None = None
    has_fresh_login: bool = True

    @property
    def is_token(self) -> bool:
        """Whether it is a service token."""
        return self.scopes is not None

    @property
    def runs_command(self) -> bool:
        """Whether it runs a command, and so has the keys anyway."""
        return self.actor.kind is ActorKind.OPERATING_SYSTEM_USER

    def check_scope(self, scope: Scope) -> None:
        """Check that the caller may do what this scope allows.

        Raises:
            InsufficientScope
        """
        if self.scopes is not None and scope not in self.scopes:
            raise InsufficientScope(scope)

    def check_action(self, action: AuditAction) -> None:
        """Check that the caller may act like this on somebody.

        Raises:
            Forbidden: A service token may not, with no scope.
            InsufficientScope: It may not with its scopes.
            FreshLoginRequired: The login of the administrator is too old.
        """
        if self.is_token:
            if action not in SCOPE_OF_ACTION:
                raise Forbidden("No service token may do this.")
            self.check_scope(SCOPE_OF_ACTION[action])
        if action in NEEDS_FRESH_LOGIN and not self.has_fresh_login:
            raise FreshLoginRequired

    def may_act_on(self, user: FoundUser) -> bool:
        """Return whether the caller may act on a user: a service token on no administrator."""
        return not (self.is_token and user.is_administrator)

    def check_subject(self, user: FoundUser, action: AuditAction) -> None:
        """Check that the caller may act like this on this user.

        Raises:
            Forbidden: A service token acts on an administrator, or somebody changes the phone of
                one without a command.
        """
        if not self.may_act_on(user):
            raise Forbidden("No service token may act on an administrator.")
        is_change = action is AuditAction.CHANGE_PHONE and not self.runs_command
        if is_change and user.is_administrator:
            raise Forbidden("Only a command changes the number of an administrator.")

    def may(self, action: AuditAction) -> bool:
        """Return whether the caller may act like this."""
        try:
            self.check_action(action)
        except (Forbidden, FreshLoginRequired):
            return False
        return True


def administrator(principal: Principal) -> Caller:
    """Return the caller of an administrator who logged in within the last day.

    Raises:
        Forbidden: The principal is not an administrator.
        ReauthenticationRequired: The login is older.
    """
    if not principal.identity.is_administrator:
        raise Forbidden
    if not principal.has_recent_login:
        raise ReauthenticationRequired
    actor = Actor(ActorKind.ADMINISTRATOR, principal.identity.id)
    return Caller(actor, has_fresh_login=principal.has_fresh_login)


def operating_system_user(name: str, by: str = "") -> Caller:
    """Return the caller of a command, who may do everything.

    Args:
        name: How the operator is called, or the name of the operating system's user.
        by: The operating system's user, if the operator has another name, and who became it.
    """
    return Caller(Actor(ActorKind.OPERATING_SYSTEM_USER, name, by))

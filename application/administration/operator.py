"""The operator: who acts for others, and what they may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from application.administration.acts import Act
from application.administration.find_user import FoundUser
from application.principal import Principal
from domain.administration.audit import NO_REASON, Actor, ActorKind, parse_reason
from domain.administration.scopes import (
    FOR_PEOPLE,
    SCOPES_OF_ROLES,
    Scope,
    expand_scopes,
    roles_with,
)
from domain.errors import (
    Forbidden,
    FreshLoginRequired,
    InsufficientScope,
    TooShort,
)
from domain.identities.identity import Identity
from domain.identities.role import Role

_ABOVE_ALL: Final = Role.ADMINISTRATOR.rank + 1


@dataclass(frozen=True, slots=True)
class Operator:
    """A person of the staff, a service token, or the user of a command.

    Attributes:
        scopes: What it may do; None for commands, which may do everything.
        role: Role of a person. Of a token its highest one, None without one.
        has_fresh_login: Whether a person logged in within the last 15 minutes. True for all others.
        session_id: The session of a person; empty for all others.
    """

    actor: Actor
    scopes: frozenset[Scope] | None = None
    role: Role | None = None
    has_fresh_login: bool = True
    session_id: str = ""

    @property
    def is_token(self) -> bool:
        return self.actor.kind is ActorKind.SERVICE_TOKEN

    @property
    def runs_command(self) -> bool:
        """Whether it runs a command, and so has the keys anyway."""
        return self.actor.kind is ActorKind.OPERATING_SYSTEM_USER

    @property
    def rank(self) -> int:
        if self.runs_command:
            return _ABOVE_ALL
        return (self.role or Role.SUPPORT).rank

    def has_scope(self, scope: Scope) -> bool:
        return self.runs_command or (self.scopes is not None and scope in self.scopes)

    def check_scope(self, scope: Scope) -> None:
        """Check that the operator may do what this scope allows.

        Raises:
            InsufficientScope: A service token lacks it.
            Forbidden: The role of a person lacks it.
        """
        if self.has_scope(scope):
            return
        if self.is_token:
            raise InsufficientScope(scope)
        raise Forbidden(_needs_role(roles_with(scope)))

    def check_token(self, scope: Scope) -> str:
        """Return the id of a service token that may do what this scope allows.

        Raises:
            InsufficientScope
            Forbidden: It is a person.
        """
        if not self.is_token:
            raise Forbidden("Only a service token does this.")
        self.check_scope(scope)
        return self.actor.id

    def check_use(self, scope: Scope) -> None:
        """Check that the operator may do now what this scope allows.

        Raises:
            InsufficientScope
            Forbidden: Also for a service token, if only people do this.
        """
        if self.is_token and scope in FOR_PEOPLE:
            raise Forbidden("No service token does this, whatever its scopes: it is for people.")
        self.check_scope(scope)

    def check(self, act: Act, reason: str) -> None:
        """Check that the operator may do an act for a reason that `parse_reason` returned.

        Raises:
            TooShort: The act needs a reason.
        """
        self.check_act(act)
        if not reason and self.needs_reason(act):
            raise TooShort(NO_REASON)

    def check_act(self, act: Act) -> None:
        """Check that the operator may do an act.

        Raises:
            Forbidden: Only a command or a person does it, or it needs another role.
            FreshLoginRequired: The login of a person is too old.
        """
        if act.scope is not None:
            self.check_use(act.scope)
        elif not self.runs_command:
            raise Forbidden("Only a command does this.")
        if act.needs_fresh_login and not self.has_fresh_login:
            raise FreshLoginRequired

    def may(self, act: Act) -> bool:
        try:
            self.check_act(act)
        except (Forbidden, FreshLoginRequired):
            return False
        return True

    def needs_reason(self, act: Act) -> bool:
        """Return whether an act needs a reason: those of people always do."""
        return act.needs_reason or not self.is_token

    def parse_reason(self, act: Act, text: str) -> str:
        """Parse why the operator does an act."""
        return parse_reason(text, is_required=self.needs_reason(act))

    def may_act_on(self, user: FoundUser) -> bool:
        try:
            self.check_subject(user)
        except Forbidden:
            return False
        return True

    def may_act_on_identity(self, identity: Identity) -> bool:
        return self.may_act_on(FoundUser(identity.phone, identity, identity.id))

    def check_subject(self, user: FoundUser) -> None:
        """Check that the operator may act on a user, also by a number of a change under way.

        Operators cannot act on themselves, or on staff of the same or a higher role.
        """
        for identity in user.concerned:
            self.check_identity(identity)

    def check_identity(self, identity: Identity) -> None:
        """Check that the operator may act on an identity; see `check_subject`."""
        if identity.id == self.actor.id and not self.is_token and not self.runs_command:
            raise Forbidden("Not on your own account: use the app, or ask a colleague.")
        if identity.is_staff and identity.staff.role.rank >= self.rank:
            higher = "" if identity.is_administrator else "an administrator or "
            raise Forbidden(f"This is an account of the staff: only {higher}a command acts on it.")

    def check_may_give(self, role: Role) -> None:
        """Check that the operator may give a role, which cannot be above their own.

        A service token gives only what it has: otherwise it could make an accomplice who may more.

        Raises:
            Forbidden
        """
        if role.rank > self.rank:
            raise Forbidden(_needs_role([Role.ADMINISTRATOR]))
        for scope in sorted(SCOPES_OF_ROLES[role]):
            self.check_scope(scope)


def _needs_role(roles: Sequence[Role]) -> str:
    names = " or ".join(roles)
    return f"Your role does not allow this. It needs the role {names}."


def staff_member(principal: Principal) -> Operator:
    """Return the operator that a member of the staff is, if the role counts now."""
    principal.check_staff()
    role = principal.identity.staff.role
    return Operator(
        Actor(ActorKind.ADMINISTRATOR, principal.identity.id, role=role),
        scopes=SCOPES_OF_ROLES[role],
        role=role,
        has_fresh_login=principal.has_fresh_login,
        session_id=principal.session.id,
    )


def service_token(actor: Actor, granted: Sequence[Scope | Role]) -> Operator:
    """Return a service token with these scopes and roles."""
    roles = [each for each in granted if isinstance(each, Role)]
    role = max(roles, key=lambda role: role.rank, default=None)
    return Operator(actor, expand_scopes(granted), role)


def operating_system_user(name: str, by: str = "") -> Operator:
    """Return who runs a command. `by` is the system's user, if the operator has another name."""
    return Operator(Actor(ActorKind.OPERATING_SYSTEM_USER, name, by))

"""Who asks for administration, and what they may do."""

from dataclasses import dataclass

from application.administration.acts import Act
from application.administration.find_user import FoundUser
from application.principal import Principal
from domain.administration.audit import NO_REASON, Actor, ActorKind, parse_reason
from domain.administration.scope import Scope
from domain.errors import (
    Forbidden,
    FreshLoginRequired,
    InsufficientScope,
    TooShort,
)
from domain.identities.role import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """An administrator, a service token, or whoever runs a command.

    Attributes:
        actor: Who it is, for the audit.
        scopes: What a service token may do; None for people.
        has_fresh_login: Whether an administrator logged in within the last 15 minutes. True for
            all others.
        role: That of an administrator; None for all others.
        always_says_why: Whether each of its acts needs a reason: people are asked for one by the
            console and by commands.
    """

    actor: Actor
    scopes: frozenset[Scope] | None = None
    has_fresh_login: bool = True
    role: Role | None = None
    always_says_why: bool = False

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

    def check(self, act: Act, reason: str) -> None:
        """Check that the caller may do an act for a reason that `parse_reason` returned.

        Raises:
            Forbidden, InsufficientScope, FreshLoginRequired: See `check_act`.
            TooShort: The act needs a reason.
        """
        self.check_act(act)
        if not reason and self.needs_reason(act):
            raise TooShort(NO_REASON)

    def check_act(self, act: Act) -> None:
        """Check that the caller may do an act.

        Raises:
            Forbidden: A service token may not, with no scope. Or people need another role.
            InsufficientScope: A service token may not with its scopes.
            FreshLoginRequired: The login of the administrator is too old.
        """
        if self.is_token:
            if act.scope is None:
                raise Forbidden("No service token may do this.")
            self.check_scope(act.scope)
        elif not self.runs_command and self.role is not act.role:
            raise Forbidden("This needs another role, or a command.")
        if act.needs_fresh_login and not self.has_fresh_login:
            raise FreshLoginRequired

    def may(self, act: Act) -> bool:
        """Return whether the caller may do an act."""
        try:
            self.check_act(act)
        except (Forbidden, FreshLoginRequired):
            return False
        return True

    def needs_reason(self, act: Act) -> bool:
        """Return whether the caller has to say why it does an act."""
        return act.needs_reason or self.always_says_why

    def parse_reason(self, act: Act, text: str) -> str:
        """Parse why the caller does an act.

        Raises:
            TooLong, InvalidCharacters
            TooShort: The act needs a reason, and there is none.
        """
        return parse_reason(text, is_required=self.needs_reason(act))

    def may_act_on(self, user: FoundUser) -> bool:
        """Return whether the caller may act on a user: a service token on no administrator."""
        return not (self.is_token and user.is_administrator)

    def check_subject(self, user: FoundUser) -> None:
        """Check that the caller may act on a user.

        Raises:
            Forbidden: A service token acts on an administrator.
        """
        if not self.may_act_on(user):
            raise Forbidden("No service token may act on an administrator.")


def administrator(principal: Principal) -> Caller:
    """Return the caller of an administrator who logged in within the last day.

    Raises:
        Forbidden: The principal is not an administrator.
        PasskeyRequired: The administrator needs a passkey, and no session of an app has one.
        ReauthenticationRequired: The login is older.
    """
    if not principal.identity.is_administrator:
        raise Forbidden("Only administrators may do this.")
    principal.check_login()
    identity = principal.identity
    actor = Actor(ActorKind.ADMINISTRATOR, identity.id)
    return Caller(actor, has_fresh_login=principal.has_fresh_login, role=identity.role)


def operating_system_user(name: str, by: str = "") -> Caller:
    """Return the caller of a command, who may do everything.

    Args:
        name: How the operator is called, or the name of the operating system's user.
        by: The operating system's user, if the operator has another name, and who became it.
    """
    return Caller(Actor(ActorKind.OPERATING_SYSTEM_USER, name, by), always_says_why=True)

"""Operators of every kind, and what the table of acts says of each."""

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from application.administration.acts import Act
from application.administration.operator import (
    Operator,
    operating_system_user,
    service_token,
)
from application.administration.show_user import UserDetails
from domain.administration.audit import Actor, ActorKind
from domain.administration.scopes import FOR_PEOPLE, SCOPES_OF_ROLES, Scope, roles_with
from domain.errors import (
    Forbidden,
    FreshLoginRequired,
    InsufficientScope,
    TooShort,
)
from domain.identities.role import Role
from domain.phone import PhoneNumber
from tests.support.builders import a_phone, an_id

if TYPE_CHECKING:
    from tests.support.core_harness import CoreHarness

REASON: Final = "ticket 4711"


def a_token(*scopes: Scope | Role, token_id: str = an_id(7)) -> Operator:
    """Return a service token."""
    return service_token(Actor(ActorKind.SERVICE_TOKEN, token_id), scopes)


def staff(role: Role, *, is_fresh: bool = True, identity_id: str = an_id(8)) -> Operator:
    """Return a person with a role."""
    return Operator(
        Actor(ActorKind.ADMINISTRATOR, identity_id, role=role),
        scopes=SCOPES_OF_ROLES[role],
        role=role,
        has_fresh_login=is_fresh,
    )


BY_COMMAND: Final = operating_system_user("alice")
IN_CONSOLE: Final = staff(Role.ADMINISTRATOR)
LATER: Final = staff(Role.ADMINISTRATOR, is_fresh=False)


class Refused(NamedTuple):
    """An operator who may not do an act for this reason, and the error."""

    operator: Operator
    reason: str
    error: type[Exception]


def permitted_operators(act: Act) -> Iterator[tuple[Operator, str]]:
    """Yield who may do it, with the shortest reason that is enough."""
    optional = REASON if act.needs_reason else ""
    yield BY_COMMAND, REASON
    if act.scope is None:
        return
    # A token gives only a role whose scopes it has.
    given = [Role.SUPPORT] if act.scope is Scope.CHANGE_ROLES else []
    if act.scope not in FOR_PEOPLE:
        yield a_token(act.scope, *given), optional
    for role in roles_with(act.scope):
        yield staff(role), REASON
    if not act.needs_fresh_login:
        yield LATER, REASON


def refused_operators(act: Act) -> Iterator[Refused]:
    """Yield who may not do it, of every kind."""
    yield Refused(BY_COMMAND, "", TooShort)
    if act.scope is None or act.scope in FOR_PEOPLE:
        yield Refused(a_token(*Scope, Role.ADMINISTRATOR), REASON, Forbidden)
    else:
        others = set(Scope) - {act.scope}
        yield Refused(a_token(*others), REASON, InsufficientScope)
    for role in set(Role) - set(roles_with(act.scope) if act.scope else ()):
        yield Refused(staff(role), REASON, Forbidden)
    if act.scope is None:
        return
    yield Refused(IN_CONSOLE, "", TooShort)
    if act.needs_reason and act.scope not in FOR_PEOPLE:
        yield Refused(a_token(act.scope), "", TooShort)
    if act.needs_fresh_login:
        yield Refused(LATER, REASON, FreshLoginRequired)


async def assert_refused(act: Act, do: Callable[[Operator, str], Awaitable[object]]) -> None:
    """Assert that `do`, which calls a use case, raises the error of each refused operator."""
    for operator, reason, error in refused_operators(act):
        with pytest.raises(error):
            await do(operator, reason)


async def show(app: "CoreHarness", query: str | PhoneNumber | None = None) -> UserDetails:
    """Return what a command shows of a user, the one of `a_phone` by default."""
    return await app.user_details.show_user(
        BY_COMMAND, query or a_phone(), "ticket", with_full_number=False
    )

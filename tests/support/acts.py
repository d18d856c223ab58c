"""Callers of every kind, and what the table of acts says of each."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Final, NamedTuple

import pytest

from application.administration.acts import Act
from application.administration.caller import Caller, operating_system_user
from domain.administration.audit import Actor, ActorKind
from domain.administration.scope import Scope
from domain.errors import Forbidden, FreshLoginRequired, InsufficientScope, TooShort
from domain.identities.role import Role
from tests.support.builders import an_id

REASON: Final = "ticket 4711"
_PERSON: Final = Actor(ActorKind.ADMINISTRATOR, an_id(8))


def a_token(*scopes: Scope, token_id: str = an_id(7)) -> Caller:
    """Return a service token."""
    return Caller(Actor(ActorKind.SERVICE_TOKEN, token_id), frozenset(scopes))


BY_COMMAND: Final = operating_system_user("alice")
IN_API: Final = Caller(_PERSON, role=Role.ADMINISTRATOR)
IN_CONSOLE: Final = Caller(_PERSON, role=Role.ADMINISTRATOR, always_says_why=True)
MEMBER: Final = Caller(_PERSON, role=Role.MEMBER)
LATER: Final = Caller(_PERSON, role=Role.ADMINISTRATOR, has_fresh_login=False)


class Refused(NamedTuple):
    """A caller who may not do an act for this reason, and the error."""

    caller: Caller
    reason: str
    error: type[Exception]


def permitted_callers(act: Act) -> Iterator[tuple[Caller, str]]:
    """Yield who may do it, with the shortest reason that is enough."""
    optional = REASON if act.needs_reason else ""
    yield BY_COMMAND, REASON
    if act.scope is not None:
        yield a_token(act.scope), optional
    if act.role is not None:
        yield IN_API, optional
        yield IN_CONSOLE, REASON
        if not act.needs_fresh_login:
            yield LATER, optional


def refused_callers(act: Act) -> Iterator[Refused]:
    """Yield who may not do it, of every kind."""
    yield Refused(BY_COMMAND, "", TooShort)
    if act.scope is None:
        yield Refused(a_token(*Scope), REASON, Forbidden)
    else:
        others = set(Scope) - {act.scope}
        yield Refused(a_token(*others), REASON, InsufficientScope)
    yield Refused(MEMBER, REASON, Forbidden)
    if act.role is None:
        yield Refused(IN_API, REASON, Forbidden)
        return
    yield Refused(IN_CONSOLE, "", TooShort)
    if act.needs_reason:
        yield Refused(IN_API, "", TooShort)
    if act.needs_fresh_login:
        yield Refused(LATER, REASON, FreshLoginRequired)


async def assert_refused(act: Act, do: Callable[[Caller, str], Awaitable[object]]) -> None:
    """Assert that `do`, which calls a use case, raises the error of each refused caller."""
    for caller, reason, error in refused_callers(act):
        with pytest.raises(error):
            await do(caller, reason)

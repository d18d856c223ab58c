"""What each role may do: the one table for people and service tokens."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from domain.administration.scope import Scope
from domain.errors import UnsupportedValue
from domain.identities.role import Role

SCOPES_OF_ROLES: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.MEMBER: frozenset(),
    Role.SUPPORT: frozenset({Scope.READ_USERS, Scope.SUPPORT_USERS}),
    Role.MODERATOR: frozenset({Scope.READ_LIBRARY, Scope.MODERATE_LIBRARY}),
    Role.AUDITOR: frozenset(
        {Scope.LIST_USERS, *(scope for scope in Scope if scope.endswith(":read"))}
    ),
    Role.ADMINISTRATOR: frozenset(Scope),
}
STAFF_ROLES: Final[Sequence[Role]] = [role for role in Role if role.is_staff]


def parse_staff_role(text: str) -> Role:
    """Parse the role that somebody is given.

    Raises:
        UnsupportedValue
    """
    if text not in STAFF_ROLES:
        raise UnsupportedValue(f"Send one of these roles: {', '.join(STAFF_ROLES)}.")
    return Role(text)


def roles_with(scope: Scope) -> Sequence[Role]:
    """Return the roles that have a scope, the lowest first."""
    return [role for role in STAFF_ROLES if scope in SCOPES_OF_ROLES[role]]


def expand_scopes(granted: Iterable[Scope | Role]) -> frozenset[Scope]:
    """Return single scopes and those of roles, as a service token has them."""
    scopes: set[Scope] = set()
    for each in granted:
        scopes |= SCOPES_OF_ROLES[each] if isinstance(each, Role) else {each}
    return frozenset(scopes)

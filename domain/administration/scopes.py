"""What staff and service tokens may do: scopes, and those of each role."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.errors import UnsupportedValue
from domain.identities.role import Role
from domain.otp.sliding_window import SlidingWindow

PHONES_PER_TOKEN: Final = SlidingWindow(1_000, timedelta(days=1))
"""Full phone numbers that a token reads or finds users by: a stolen one cannot copy all of them."""


class Scope(StrEnum):
    """A right. A role is a set of them (`role_scopes`). The values are stored with tokens.

    A name that ends in `:read` changes nothing, and shows no full phone number and no recording:
    auditors have all of these.
    """

    READ_USERS = "users:read"
    LIST_USERS = "users:list"
    READ_PHONES = "users:phone"
    SUPPORT_USERS = "users:support"
    CHANGE_PHONES = "users:change-phone"
    SET_USER_DATA = "users:data"
    DELETE_USERS = "users:delete"
    EXPORT_USERS = "users:export"
    CREATE_USERS = "users:create"
    CHANGE_ROLES = "users:role"
    READ_AUDIT = "audit:read"
    READ_STATISTICS = "statistics:read"
    READ_LIBRARY = "library:read"
    MODERATE_LIBRARY = "library:moderate"
    UPLOAD_FOR_OTHERS = "library:upload"
    READ_CALLS = "calls:read"
    HEAR_RECORDINGS = "calls:recordings"
    READ_BLOCKS = "blocks:read"
    WRITE_BLOCKS = "blocks:write"
    VERIFY_PHONES = "verifications:write"


FOR_PEOPLE: Final = frozenset(
    {
        Scope.CHANGE_PHONES,
        Scope.CREATE_USERS,
        Scope.UPLOAD_FOR_OTHERS,
        Scope.READ_CALLS,
        Scope.HEAR_RECORDINGS,
    }
)
"""Scopes of people only: a stolen token would move accounts to its own numbers, or hear what
callers said. Accounts are made, and pictures uploaded for others, by paths of users only."""
FOR_TOKENS: Final = frozenset({Scope.VERIFY_PHONES})
"""Scopes of tokens only: sending messages for a backend has to be granted by name."""


SCOPES_OF_ROLES: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.MEMBER: frozenset(),
    Role.SUPPORT: frozenset({Scope.READ_USERS, Scope.SUPPORT_USERS}),
    Role.MODERATOR: frozenset({Scope.READ_LIBRARY, Scope.MODERATE_LIBRARY}),
    Role.AUDITOR: frozenset(
        {Scope.LIST_USERS, *(scope for scope in Scope if scope.endswith(":read"))}
    ),
    Role.ADMINISTRATOR: frozenset(Scope) - FOR_TOKENS,
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

"""Claims that are the same in each short-lived access token of an app."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from domain.errors import InvalidValue, TooLong, UnsupportedValue

MAX_CONSTANT_BYTES: Final = 256
"""All constant claims as compact JSON: a token has 4,096 characters with all its claims."""
_OURS: Final = frozenset({"iss", "sub", "aud", "exp", "iat", "sid", "gen", "amr", "app", "x"})
_REGISTERED: Final = frozenset(
    {
        *("nbf", "jti", "auth_time", "acr", "azp", "scope", "client_id", "nonce", "at_hash"),
        *("cnf", "act", "email", "email_verified", "phone_number", "phone_number_verified"),
        *("name", "preferred_username", "groups", "roles", "entitlements"),
    }
)
"""Names of the JWT registry that other programs trust as said of this user."""
_CLAIM: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_./:-]{0,63})=([!#-&(-+\--[\]-~]{1,100})")
_ABOVE_ALL: Final = ("role", "service_role")
"""At Supabase it passes all rules for rows: each user would read everything."""


def parse_constant_claim(text: str) -> tuple[str, str]:
    """Parse one claim: `name=value`.

    Raises:
        InvalidValue: Its name or value cannot be used.
    """
    match = _CLAIM.fullmatch(text)
    if match is None:
        raise InvalidValue("Must be name=value, such as role=authenticated.")
    name, value = match.groups()
    if name in _OURS | _REGISTERED:
        raise UnsupportedValue(f"The claim {name} has a meaning of its own: choose another name.")
    if (name, value) == _ABOVE_ALL:
        raise UnsupportedValue("role=service_role would let each user read everything.")
    return name, value


def check_constant_claims(claims: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Return the claims by their names.

    Raises:
        InvalidValue: A name comes twice.
        TooLong: They have too many bytes.
    """
    named = dict(claims)
    if len(named) < len(claims):
        raise InvalidValue("Must name each claim once.")
    if len(json.dumps(named, separators=(",", ":"))) > MAX_CONSTANT_BYTES:
        raise TooLong(f"Must have at most {MAX_CONSTANT_BYTES} bytes as JSON.")
    return named

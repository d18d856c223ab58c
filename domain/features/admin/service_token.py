"""Service tokens: the credentials of backends, for the paths below `/admin/` only."""

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from domain.administration.audit import Actor, hide_phones
from domain.administration.role_scopes import STAFF_ROLES
from domain.administration.scope import FOR_PEOPLE, Scope
from domain.errors import InvalidValue, TooLong, UnsupportedValue
from domain.identities.role import Role
from domain.otp.sliding_window import SlidingWindow
from domain.secret_hash import hash_secret

TOKEN_PREFIX: Final = "dta_"  # noqa: S105 -- no secret
SECRET_BYTES: Final = 32
MAX_TOKEN_NAME_LENGTH: Final = 100
REQUESTS_PER_TOKEN: Final = SlidingWindow(600, timedelta(minutes=1))
KEPT_AFTER_EXPIRY: Final = timedelta(days=30)
"""How long an expired token is listed: its backend may be used once a month only."""
_TOKEN: Final = re.compile(rf"{TOKEN_PREFIX}([0-9a-f]{{24}})_([0-9a-f]{{64}})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceToken:
    """A credential of a backend. The token itself is shown once and not stored.

    Attributes:
        roles: Those whose scopes it has too.
        secret_hash: SHA-256 of the secret. It has 256 random bits, so a plain hash is enough
            (NIST SP 800-63B-4 §3.1.2.2).
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    secret_hash: str = field(repr=False)
    created_at: datetime
    created_by: Actor
    expires_at: datetime
    revoked_at: datetime | None = None
    roles: tuple[Role, ...] = ()

    @property
    def granted(self) -> Sequence[Scope | Role]:
        """What the operator gave it, as the command of its creation names it."""
        return (*self.roles, *self.scopes)

    def accepts(self, secret: str, now: datetime) -> bool:
        is_same = hmac.compare_digest(self.secret_hash, hash_secret(secret))
        return is_same and self.is_valid(now)

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def revoke(self, now: datetime) -> "ServiceToken":
        """Return the revoked token. An earlier revocation keeps its time."""
        return replace(self, revoked_at=self.revoked_at or now)


def format_token(token_id: str, secret: str) -> str:
    """Return the token as a backend sends it: `dta_<id>_<secret>`."""
    return f"{TOKEN_PREFIX}{token_id}_{secret}"


def is_service_token(text: str) -> bool:
    """Return whether a bearer token is meant to be a service token."""
    return text.startswith(TOKEN_PREFIX)


def parse_token(text: str) -> tuple[str, str] | None:
    """Return the id and the secret of a token; None for a text that is no token."""
    match = _TOKEN.match(text)
    return (match[1], match[2]) if match else None


def parse_scopes(texts: Iterable[str]) -> Sequence[Scope | Role]:
    """Parse scopes and names of roles. Each text may have several, with commas between them.

    Raises:
        UnsupportedValue: one is unknown or for people only, or there is none.
    """
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    granted: list[Scope | Role] = [
        *STAFF_ROLES,
        *(each for each in Scope if each not in FOR_PEOPLE),
    ]
    known = ", ".join(granted)
    if not names:
        raise UnsupportedValue(f"A token needs a scope: {known}.")
    if unknown := [name for name in names if name not in granted]:
        raise UnsupportedValue(f"{unknown[0]!a} is not a scope of a token. These are: {known}.")
    return [each for each in granted if each in names]


def parse_token_name(text: str) -> str:
    """Parse the name of a token: one line of text. The digits of a phone in it are masked.

    Raises:
        InvalidValue, TooLong
    """
    name = " ".join(text.split())
    if not name or not name.isprintable():
        raise InvalidValue("The name of a token is one line of text, such as the backend's name.")
    if len(name) > MAX_TOKEN_NAME_LENGTH:
        raise TooLong(f"The name of a token has at most {MAX_TOKEN_NAME_LENGTH} characters.")
    return hide_phones(name)

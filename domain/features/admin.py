"""Service tokens of backends, and which users are listed."""

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from domain.administration.audit import Actor, hide_phones
from domain.administration.scopes import FOR_PEOPLE, STAFF_ROLES, Scope
from domain.cursor import CURSOR_PATTERN, Cursor, encode_cursor, parse_cursor
from domain.errors import (
    DomainError,
    InvalidCursor,
    InvalidValue,
    RateLimitExceeded,
    TooLong,
    UnsupportedValue,
)
from domain.identifier import hash_secret
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.otp.sliding_window import SlidingWindow


class TooManyTokenRequests(RateLimitExceeded):
    """The service token has sent as many requests as it may in a minute."""


class TokenNotFound(DomainError):
    """There is no service token with this id."""


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
        roles: Roles whose scopes it has too.
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


_TAG_LENGTH: Final = 8
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2}))?"
)
USER_CURSOR_PATTERN: Final = CURSOR_PATTERN.replace("38", str(38 + _TAG_LENGTH))
"""A cursor, and the tag of its filter."""


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Users are all accounts that are neither deleted nor detached. At most one field is set."""

    created_since: datetime | None = None
    is_blocked: bool | None = None
    role: Role | None = None

    def includes(self, identity: Identity) -> bool:
        return (
            not identity.is_closed
            and (self.created_since is None or identity.created_at >= self.created_since)
            and (self.is_blocked is None or identity.is_blocked is self.is_blocked)
            and (self.role is None or identity.staff.role is self.role)
        )

    @property
    def tag(self) -> str:
        """The filter's part of a cursor: 8 hex digits."""
        since = self.created_since.astimezone(UTC).isoformat() if self.created_since else ""
        text = f"{since} {self.is_blocked} {self.role or ''}"
        return sha256(text.encode()).hexdigest()[:_TAG_LENGTH]

    def encode_cursor(self, cursor: Cursor) -> str:
        return encode_cursor(cursor) + self.tag

    def parse_cursor(self, text: str) -> Cursor:
        """Parse the cursor of a page with this filter.

        Raises:
            InvalidCursor: The text is not a cursor, or is that of another filter.
        """
        cursor = parse_cursor(text[:-_TAG_LENGTH])
        if text[-_TAG_LENGTH:] != self.tag:
            raise InvalidCursor(
                "This cursor is of a list with another filter. Send the filter of its page with it,"
                " or no cursor to start."
            )
        return cursor


def parse_created_since(text: str) -> datetime:
    """Parse a time, or a date, which begins in UTC.

    Raises:
        InvalidValue
    """
    error = InvalidValue("Send a time like 2026-05-01T09:30:00Z, or a date like 2026-05-01.")
    if not _TIME.fullmatch(text):
        raise error
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise error from None

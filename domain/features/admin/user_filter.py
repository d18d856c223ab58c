"""Which users are listed."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from domain.cursor import CURSOR_PATTERN, Cursor, encode_cursor, parse_cursor
from domain.errors import InvalidCursor, InvalidValue
from domain.identities.identity import Identity
from domain.identities.role import Role

_TAG_LENGTH: Final = 8
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2}))?"
)
USER_CURSOR_PATTERN: Final = CURSOR_PATTERN.replace("38", str(38 + _TAG_LENGTH))
"""A cursor, and what tells the filters apart."""


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
        """What a cursor has of the filter: 8 hex digits."""
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

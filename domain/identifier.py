"""Ids of identities and library items: 24 hex digits, 8 for the time and 16 random."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Final

from domain.errors import InvalidIdentifier

RANDOM_BYTES: Final = 8
IDENTIFIER_LENGTH: Final = 24
IDENTIFIER_PATTERN: Final = "^[0-9a-fA-F]{24}$"
"""An id as clients send it. We write ids in lower case."""
_SENT: Final = re.compile(IDENTIFIER_PATTERN)
_IDENTIFIER: Final = re.compile(r"[0-9a-f]{24}\Z")


def make_identifier(now: datetime, random: bytes) -> str:
    """Make an id from the time (whole seconds) and from `RANDOM_BYTES` (8) random bytes."""
    return f"{int(now.timestamp()) & 0xFFFFFFFF:08x}{random[:RANDOM_BYTES].hex()}"


def identifier_time(identifier: str) -> datetime:
    """Return the time of an id, rounded up to a whole second."""
    return datetime.fromtimestamp(int(identifier[:8], 16) + 1, UTC)


def parse_identifier(text: str) -> str | None:
    """Parse an id. The result is in lower case, or None if the text is not an id."""
    return text.lower() if _SENT.fullmatch(text) else None


def require_identifier(text: str) -> None:
    """Reject an id that this service did not make, before a record gets it.

    Tokens, cursors and storage keys contain ids: a record with an id of another form would be an
    error later.

    Raises:
        InvalidIdentifier: It is not 24 hex digits in lower case.
    """
    if not _IDENTIFIER.match(text):
        raise InvalidIdentifier(
            "An id has 24 hex digits in lower case: make_identifier() makes one."
        )


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret: 64 hex digits."""
    return hashlib.sha256(secret.encode()).hexdigest()

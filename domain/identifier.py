"""Ids of identities and library items: 24 hex digits, 8 for the time and 16 random."""

import re
from datetime import UTC, datetime
from typing import Final

RANDOM_BYTES: Final = 8
_IDENTIFIER: Final = re.compile(r"[0-9a-f]{24}\Z")


def make_identifier(now: datetime, random: bytes) -> str:
    """Make an id from the time (whole seconds) and from `RANDOM_BYTES` random bytes."""
    return f"{int(now.timestamp()) & 0xFFFFFFFF:08x}{random[:RANDOM_BYTES].hex()}"


def identifier_time(identifier: str) -> datetime:
    """Return the time of an id, rounded up to a whole second."""
    return datetime.fromtimestamp(int(identifier[:8], 16) + 1, UTC)


def parse_identifier(text: str) -> str | None:
    """Parse an id. The result is in lower case, or None if the text is not an id."""
    identifier = text.lower()
    return identifier if _IDENTIFIER.match(identifier) else None

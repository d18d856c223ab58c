"""Ids of identities and items: 24 hex digits, 8 of the time and 16 random ones."""

import re
from datetime import datetime

RANDOM_BYTES = 8
_SHAPE = re.compile(r"[0-9a-f]{24}\Z")


def make_identifier(now: datetime, random: bytes) -> str:
    """Make an id from the time (whole seconds) and `RANDOM_BYTES` of randomness."""
    return f"{int(now.timestamp()) & 0xFFFFFFFF:08x}{random[:RANDOM_BYTES].hex()}"


def parse_identifier(text: str) -> str | None:
    """Parse an id: the result is in lower case, None where the text is not an id."""
    identifier = text.lower()
    return identifier if _SHAPE.match(identifier) else None

"""Ids of people and things: 24 hex digits, the first 8 the time, the other 16 random."""

import re
from datetime import datetime

RANDOM_BYTES = 8
_SHAPE = re.compile(r"[0-9a-f]{24}\Z")


def make_identifier(now: datetime, random: bytes) -> str:
    """Make an id from the time (whole seconds) and `RANDOM_BYTES` of randomness."""
    return f"{int(now.timestamp()) & 0xFFFFFFFF:08x}{random[:RANDOM_BYTES].hex()}"


def parse_identifier(text: str) -> str | None:
    """Give the id in its one spelling, or None when the text cannot be an id."""
    lowered = text.lower()
    return lowered if _SHAPE.match(lowered) else None

"""Parameters of lists that are returned in pages."""

import re
from typing import Final

from litestar.params import QueryParameter

from domain.errors import InvalidNumber
from entrypoints.http.fields import query_parameter

CURSOR_PATTERN: Final = "^[0-9a-f]{38}$"
CURSOR_EXAMPLE: Final = "0650be398fd6006561a2b1c3d4e5f60718293b"
MAX_NUMBER: Final = 10**18 - 1
_NUMBER: Final = re.compile(r"[0-9]{1,18}\Z")


def count_parameter(
    description: str, default: int, *, minimum: int = 1, maximum: int = MAX_NUMBER
) -> QueryParameter:
    """Describe a parameter that `parse_count` parses."""
    return query_parameter(
        description, type="integer", minimum=minimum, maximum=maximum, examples=[default]
    )


def parse_count(text: str | None, default: int, minimum: int = 1) -> int:
    """Parse a whole number; raises InvalidNumber. A parameter that is not sent has the default."""
    if text is None:
        return default
    if not _NUMBER.match(text) or int(text) < minimum:
        raise InvalidNumber(f"This must be a whole number, {minimum} or more.")
    return int(text)

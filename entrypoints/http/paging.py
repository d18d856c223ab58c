"""Parameters of lists that are returned in pages."""

import re
from typing import Annotated, Final

from litestar.params import QueryParameter

from domain.errors import InvalidNumber
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.fields import described, query_parameter

CURSOR_PATTERN: Final = "^[0-9a-f]{38}$"
CURSOR_EXAMPLE: Final = "0650be398fd6006561a2b1c3d4e5f60718293b"
NextCursorField = Annotated[
    str | None,
    described("Send it as `cursor` to get the next page; null on the last page.", CURSOR_EXAMPLE),
]
CursorParameter = Annotated[
    str | None, query_parameter("The `next_cursor` of the previous page.", pattern=CURSOR_PATTERN)
]
MAX_NUMBER: Final = 10**18 - 1
_NUMBER: Final = re.compile(r"[0-9]{1,18}\Z")


def count_parameter(
    description: str, default: int, *, minimum: int = 1, maximum: int = MAX_NUMBER
) -> QueryParameter:
    """Describe a parameter that `parse_count` parses."""
    return query_parameter(
        description, type="integer", minimum=minimum, maximum=maximum, examples=[default]
    )


def page_size_parameter(items: str, default: int) -> QueryParameter:
    """Describe how many items a page has."""
    return count_parameter(
        f"{items} per page, from 1. The default is {default}. More than 100 is taken as 100.",
        default,
    )


def parse_count(text: str | None, default: int, minimum: int = 1) -> int:
    """Parse a whole number; raises InvalidNumber. A parameter that is not sent has the default."""
    if text is None:
        return default
    if not _NUMBER.match(text) or int(text) < minimum:
        raise InvalidNumber(_number_message(minimum))
    return int(text)


def invalid_number(field: str, minimum: int = 1) -> FieldError:
    """Return the error of a parameter that is no whole number, or too small."""
    return FieldError(field, FieldErrorCode.INVALID_NUMBER, _number_message(minimum))


def _number_message(minimum: int) -> str:
    return f"This must be a whole number, {minimum} or more."

"""Errors of exports in responses."""

from collections.abc import Mapping
from typing import Final

from domain.errors import TooManyExports
from entrypoints.http.errors.table import ApiError, ErrorRow

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    TooManyExports: ErrorRow(
        429,
        "rate_limited",
        "You exported your data within the last day. Wait before the next export.",
        example=TooManyExports(retry_after=3600),
    ),
}

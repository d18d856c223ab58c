"""Errors of service tokens in responses."""

from collections.abc import Mapping
from typing import Final

from domain.errors import TooManyPhones
from domain.features.admin.errors import TokenNotFound, TooManyTokenRequests
from entrypoints.http.errors.table import ApiError, ErrorRow

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    TooManyTokenRequests: ErrorRow(
        429,
        "rate_limited",
        "This service token sends too many requests. Wait before you send the next one.",
        example=TooManyTokenRequests(retry_after=15),
    ),
    TooManyPhones: ErrorRow(
        429,
        "rate_limited",
        "This service token has read as many full phone numbers as it may in a day.",
        example=TooManyPhones(retry_after=3600),
    ),
    TokenNotFound: ErrorRow(404, "token_not_found", "Service token not found"),
}

"""The errors of the legacy API."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec

from domain import errors
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.table import ApiError, ErrorTable
from entrypoints.http.fields import described

_BAD_REQUEST: Final = (4, "Bad Request/ Data format incorrect")
_SERVER_ERROR: Final = (5, "Internal server error")
_STATUSES: Final[Mapping[int, tuple[int, str]]] = {
    400: _BAD_REQUEST,
    403: (1, "permission denied/"),
    404: (1, "ARE YOU LOST ::"),
    405: (1, "Method not allowed"),
    408: _BAD_REQUEST,
    415: _BAD_REQUEST,
    429: (1, "Too many requests"),
    500: _SERVER_ERROR,
}
"""The statuses of the legacy API, with the exit code and the first words of `error`.

Clients compare how `error` begins. Errors of any other status are a 500 there.
"""

_OTHER_STATUSES: Final[Mapping[type[ApiError], int]] = {
    exceptions.BodyTooLarge: 400,
    # A proxy or a client repeats it.
    exceptions.Overloaded: 503,
}
"""The statuses in the legacy API of errors whose status in the main API it does not have."""
_WRONG_CODE: Final = "Invalid OTP or Validation failed "
_REASONS: Final[Mapping[type[ApiError], str]] = {
    errors.IncorrectOtp: _WRONG_CODE,
    exceptions.MethodNotAllowed: "Only POST methods are allowed",
    errors.DeliveryFailed: "unable to connect to message server :- {}",
}
"""The reasons that follow those words, where they are not the error's message, `{}`."""


class LegacyError(msgspec.Struct):
    """An error of the legacy API."""

    error: Annotated[
        str,
        described(
            "Begins with a text that is fixed for each kind of error.",
            "ARE YOU LOST :: 404 Not Found: There is nothing at this path.",
        ),
    ]
    exit_code: Annotated[int, described("1, 4 or 5.", 1)]
    message: Annotated[str, described("Always `failed`.", "failed")]
    status_code: Annotated[int, described("The HTTP status.", 404)]


class LegacyErrorTable(ErrorTable):
    """The errors as the older mobile app reads them."""

    segment = "authenticate"
    name = "Legacy"
    methods = "POST"
    schema = LegacyError

    def status(self, error: ApiError) -> int:
        status = super().status(error)
        return status if status in _STATUSES else _OTHER_STATUSES.get(type(error), 500)

    def body(self, error: ApiError) -> Mapping[str, Any]:
        status, message = self.status(error), self.message(error)
        exit_code, words = _STATUSES.get(status, _SERVER_ERROR)
        reason = _REASONS.get(type(error), "{}").format(message)
        return {
            "error": f"{words} {status} {HTTPStatus(status).phrase}: {reason}",
            "exit_code": exit_code,
            "message": "failed",
            "status_code": status,
        }

"""Errors of the console, which are pages and no responses of the API."""

from collections.abc import Mapping
from typing import Final

from entrypoints.http.errors.exceptions import HttpError
from entrypoints.http.errors.table import ApiError, ErrorRow


class ConsoleError(HttpError):
    """An error of the console, which is a page and no response of the API."""


class NotSignedIn(ConsoleError):
    """The request has no session of the console, or one that has ended."""


class TokenNotAccepted(ConsoleError):
    """A token was sent to the console, whose only credential is its cookie."""


class ConsoleOriginNotAllowed(ConsoleError):
    """A form of the console was sent by no page of the service."""


class InvalidFormToken(ConsoleError):
    """A form of the console has no token of the session, or that of an earlier one."""


class InvalidForm(ConsoleError):
    """A form of the console is not urlencoded, or has a field twice."""


ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    NotSignedIn: ErrorRow(401, "not_signed_in", "Sign in first, and try again."),
    TokenNotAccepted: ErrorRow(
        401,
        "token_not_accepted",
        "The console takes no access tokens and no service tokens. Sign in with your phone.",
    ),
    ConsoleOriginNotAllowed: ErrorRow(
        403,
        "origin_not_allowed",
        "Open the console at the address of the service, and try again.",
    ),
    InvalidFormToken: ErrorRow(
        403,
        "invalid_form_token",
        "This form is from an earlier session, so nothing was done. Go back, load the page again,"
        " and send the form from there.",
    ),
    InvalidForm: ErrorRow(400, "invalid_form", "The form could not be read."),
}

"""Requests of the console, and their forms."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar.enums import RequestEncodingType

from domain.features.console import ConsoleSession, make_form_token
from entrypoints.http.errors.exceptions import HttpError
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.requests.headers import header_values
from entrypoints.http.requests.request import ApiRequest

SESSION_COOKIE: Final = "__Host-dialtone_console"
"""The cookie of a session. Browsers accept the name only with Secure, Path=/ and no Domain."""
FORM_COOKIE: Final = "__Host-dialtone_console_form"
"""The cookie of the forms before there is a session."""
KNOWN_COOKIE: Final = "__Host-dialtone_known"
"""The cookie with the device token of a browser in which somebody of the staff signed in."""


class ConsoleRequest(ApiRequest):
    """A request of the console: its session, if there is one, and the token of its forms."""

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by their exact names.

        The framework strips all kinds of spaces from a name. With one of them in front, a name does
        not begin with `__Host-` for a browser, so other sites of the domain can set such a cookie.
        """
        headers = header_values(self.scope, b"cookie")
        pairs = [part.strip(" \t").partition("=") for text in headers for part in text.split(";")]
        return {name: value for name, _, value in pairs}

    @property
    def console_session(self) -> ConsoleSession | None:
        """What `ConsoleMiddleware` has authenticated; None at the sign-in and on error pages."""
        scope: Any = self.scope
        session: ConsoleSession | None = scope.get("user")
        return session

    @property
    def act_name(self) -> str:
        path: str = self.scope["path"]
        return path.rstrip("/").rpartition("/")[2]

    @property
    def form_token(self) -> str:
        """What each form has in a hidden field; empty where there is no cookie."""
        name = SESSION_COOKIE if self.console_session is not None else FORM_COOKIE
        secret = self.cookies.get(name)
        return make_form_token(secret) if secret else ""


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


FORM_TOKEN: Final = "form_token"  # noqa: S105 -- the name of a field
_MAX_FIELDS: Final = 50


async def read_form(request: ConsoleRequest) -> Mapping[str, str]:
    """Read the fields of a form, without spaces around them. A field that was not sent is "".

    `request.form()` would keep the codes and phones of the last 1,024 forms in memory.

    Raises:
        InvalidForm: It is not urlencoded, has a field twice, or too many.
    """
    request.require_identity_encoding()
    if request.content_type[0] != RequestEncodingType.URL_ENCODED:
        raise InvalidForm
    try:
        pairs = parse_qsl(
            (await request.body()).decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise InvalidForm from error
    fields = _Fields({name: value.strip() for name, value in pairs})
    if len(fields) < len(pairs):
        raise InvalidForm
    return fields


class _Fields(dict[str, str]):
    """The fields of a form. Browsers omit some, such as checkboxes."""

    def __missing__(self, name: str) -> str:
        return ""

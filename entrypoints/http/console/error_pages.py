"""Errors of the console as pages."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from litestar import Response
from litestar.exceptions import HTTPException

from application.ports.errors import PortError
from domain.errors import DomainError, FreshLoginRequired, PasskeyRequired
from entrypoints.http.console.errors import NotSignedIn
from entrypoints.http.console.redirects import has_passkeys, redirect_to_sign_in
from entrypoints.http.console.render import render
from entrypoints.http.console.request import ConsoleRequest
from entrypoints.http.errors.exceptions import HttpError, InternalError
from entrypoints.http.errors.handlers import (
    AnyRequest,
    from_framework_error,
    report_error,
    table_of,
)
from entrypoints.http.errors.table import ApiError, ErrorForm

_TITLES: Final[Mapping[int, str]] = {
    401: "Sign in",
    403: "Not allowed",
    404: "Page not found",
    429: "Too many requests",
    503: "Not available now",
}
"""The headings that are clearer than the names of the statuses."""

_log = structlog.get_logger()


def to_page(request: AnyRequest, error: ApiError) -> Response[Any]:
    """Convert an error into a page.

    Without a session, pages lead to the sign-in and back. So does a page that needs a fresh
    session, and one that needs a session by passkey.
    """
    # The framework handles errors of a controller's middleware with the application's class.
    request = ConsoleRequest(request.scope)
    is_read = request.method in ("GET", "HEAD")
    if (
        isinstance(error, FreshLoginRequired)
        or (isinstance(error, PasskeyRequired) and has_passkeys(request))
        or (isinstance(error, NotSignedIn) and is_read)
    ):
        return redirect_to_sign_in(request, error)
    errors = request.errors
    status = errors.status(error)
    report_error(request, error, status)
    page = render(
        request,
        "error.html",
        status_code=status,
        title=_TITLES.get(status) or HTTPStatus(status).phrase,
        error=errors.message(error),
    )
    page.headers.update(errors.headers(error))
    return page


def handle_framework_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """Respond to an error of the framework, such as a path that does not exist."""
    return to_page(request, from_framework_error(error, ErrorForm(table_of(request))))


def _handle_port_error(request: AnyRequest, error: PortError) -> Response[Any]:
    return to_page(request, table_of(request).from_port_error(error))


def _handle_unexpected_error(request: AnyRequest, error: Exception) -> Response[Any]:
    _log.error("request_crashed", exc_info=error)
    return to_page(request, InternalError())


EXCEPTION_HANDLERS: Final[Mapping[Any, Any]] = {
    DomainError: to_page,
    HttpError: to_page,
    PortError: _handle_port_error,
    HTTPException: handle_framework_error,
    Exception: _handle_unexpected_error,
}

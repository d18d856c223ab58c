"""Errors of the console as pages."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar import Response

from domain.errors import FreshLoginRequired, PasskeyRequired
from entrypoints.http.features.console.errors import NotSignedIn
from entrypoints.http.features.console.redirects import has_passkeys, redirect_to_sign_in
from entrypoints.http.features.console.render import render
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.responses.errors import AnyRequest, report_error, to_api_error

_TITLES: Final[Mapping[int, str]] = {
    401: "Sign in",
    403: "Not allowed",
    404: "Page not found",
    429: "Too many requests",
    503: "Not available now",
}
"""The headings that are clearer than the names of the statuses."""


def to_page(request: AnyRequest, exception: Exception) -> Response[Any]:
    """Convert an exception into a page, or lead to the sign-in and back if that is the way out."""
    # The framework handles errors of a controller's middleware with the application's class.
    request = ConsoleRequest(request.scope)
    error = to_api_error(request, exception)
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
        "console/error.html",
        status_code=status,
        title=_TITLES.get(status) or HTTPStatus(status).phrase,
        error=errors.message(error),
    )
    page.headers.update(errors.headers(error))
    return page

"""What all controllers of the console have: who may call them, and their errors as pages."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar import Controller, Response

from domain.errors import FreshLoginRequired, PasskeyRequired
from entrypoints.http.features.console.middleware import ConsoleMiddleware
from entrypoints.http.features.console.render import has_passkeys, redirect_to_sign_in, render
from entrypoints.http.features.console.request import ConsoleRequest, NotSignedIn
from entrypoints.http.requests.dependencies import provide
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


class ConsoleController(Controller):
    """Pages for staff: all requests need a session of the console.

    - `opt` names the scope that its pages need: `NEEDED_SCOPE`. Each act checks its own.
    - In a handler, `request.caller` is the person, and `request.console_session` the session.
    """

    include_in_schema = False
    request_class = ConsoleRequest
    middleware = [ConsoleMiddleware()]
    exception_handlers = {Exception: to_page}
    dependencies = {"use_cases": provide(lambda use_cases: use_cases)}

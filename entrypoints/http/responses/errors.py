"""Exception handlers: the only place where an exception becomes a response."""

import asyncio
import re
from collections.abc import Collection
from contextvars import Context
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, ValidationException

from application.ports.errors import PortError, StorageOverloaded
from domain.errors import DomainError, Unavailable
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.table import ApiError, ErrorTable
from entrypoints.http.requests.middleware import ERROR

UNAVAILABLE_ERROR: Final = "unavailable_error"
"""An option of handlers: their error if the database fails; None if they read nothing from it."""

_MISSING_PARAMETER: Final = re.compile(r"Missing required \w+ parameter '(.+?)'")
"""Start of the framework's error."""

_log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]

_MINUTE_SECONDS: Final = 60.0


def table_of(request: AnyRequest) -> ErrorTable:
    """Return the errors of the API that the path belongs to."""
    table: ErrorTable = request.app.state.errors
    return table.of_path(request.scope["path"])


def to_response(request: AnyRequest, error: Exception) -> Response[Any]:
    """Convert an exception into the response of the API that the path belongs to."""
    table, api_error = table_of(request), to_api_error(request, error)
    status = table.status(api_error)
    report_error(request, api_error, status)
    return Response(
        table.body(api_error),
        status_code=status,
        headers=table.headers(api_error),
        media_type=MediaType.JSON,
    )


def to_api_error(request: AnyRequest, error: Exception) -> ApiError:
    """Return what clients may know of an exception; one that is a bug is logged."""
    table = table_of(request)
    match error:
        case DomainError() | exceptions.HttpError() if table.find_row(type(error)):
            return error
        case PortError():
            own_error = request.route_handler.opt.get(UNAVAILABLE_ERROR) or Unavailable
            return table.from_port_error(error, own_error)
        case HTTPException():
            return _from_framework_error(error, table.methods)
        case _:
            _log.error("request_crashed", exc_info=error)
            return exceptions.InternalError()


def report_error(request: AnyRequest, error: ApiError, status: int) -> None:
    """Give the line of the request in the log the code of the error; log one of ours by itself.

    An overload has lines of its own, however many requests it rejects. What a part of the outside
    world answers to many requests, such as a database that is away, is one line a minute.
    """
    scope: Any = request.scope
    scope[ERROR] = error
    table = table_of(request)
    cause = error.__cause__
    is_logged = not table.row(error).is_of_client and not isinstance(cause, StorageOverloaded)
    if status >= 500 and is_logged:
        if not isinstance(cause, PortError):
            _log.error("request_failed", error=type(error).__name__, reason=table.message(error))
        else:
            failures: RepeatedFailures = request.app.state.failures
            failures.log(type(error).__name__, str(cause))


class RepeatedFailures:
    """Logs a failure of the outside world, and a minute later how many requests had it since."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def log(self, error: str, reason: str) -> None:
        key = (error, reason)
        if key in self._counts:
            self._counts[key] += 1
            return
        self._counts[key] = 0
        _log.error("request_failed", error=error, reason=reason)
        # An own context, because the line belongs to no request.
        loop = asyncio.get_running_loop()
        loop.call_later(_MINUTE_SECONDS, self.end_minute, key, context=Context())

    def end_minute(self, key: tuple[str, str]) -> None:
        """Log how many more there were; the next one has a line again."""
        error, reason = key
        if count := self._counts.pop(key):
            _log.error("requests_failed", error=error, reason=reason, requests=count)


def allow_header(methods: Collection[str]) -> str:
    """Return the value of `Allow` for the methods of a path; HEAD works wherever GET does."""
    allowed = {*methods, "HEAD"} if "GET" in methods else set(methods)
    return ", ".join(sorted(allowed))


def _from_framework_error(error: HTTPException, methods_of_api: str | None) -> ApiError:
    match error.status_code:
        case 404:
            return exceptions.PathNotFound()
        case 405 if methods_of_api is not None:
            return exceptions.MethodNotAllowed(methods_of_api)
        case 405:
            methods = (error.headers or {}).get("allow", "").split(", ")
            return exceptions.MethodNotAllowed(allow_header(methods))
        case 413:
            return exceptions.BodyTooLarge()
        case 400 if isinstance(error, ValidationException):
            return _from_validation_error(error)
        case status if status < 500:
            return exceptions.InvalidBody(
                FieldErrorCode.INVALID_REQUEST,
                "The request is not what this path expects. See /docs.",
            )
        case _:
            return exceptions.InternalError()


def _from_validation_error(error: ValidationException) -> ApiError:
    """Name the parameters. Ours are optional texts; those of extensions may be anything."""
    if missing := _MISSING_PARAMETER.match(error.detail):
        message = "This parameter is required."
        return exceptions.InvalidFields(
            FieldError(missing[1], FieldErrorCode.MISSING_FIELD, message)
        )
    invalid = [
        FieldError(each["key"], FieldErrorCode.INVALID_VALUE, "This is not a valid value.")
        for each in error.extra or ()
        if isinstance(each, dict) and "key" in each and each.get("source", "body") != "body"
    ]
    if invalid:
        return exceptions.InvalidFields(*invalid)
    return exceptions.InvalidBody(
        FieldErrorCode.MISSING_FIELD, "A body is required: a JSON object."
    )

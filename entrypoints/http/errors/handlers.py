"""Exception handlers: the only place where an exception becomes a response."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.enums import HttpMethod, MediaType
from litestar.exceptions import HTTPException, ValidationException

from application.ports.errors import CorruptRecord, PortError, StorageError
from domain.errors import DomainError, QuotaExceeded, TooManyReads, TooManyUploads, Unavailable
from entrypoints.http.errors import exceptions, table
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.middleware import ERROR

_log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]


def to_response(request: AnyRequest, error: table.ApiError) -> Response[Any]:
    """Convert an error into the response of the API that the path belongs to."""
    api = table.api_of(request.scope["path"])
    status = table.error_status(error, api)
    report_error(request, error, status)
    return Response(
        table.error_body(error, api),
        status_code=status,
        headers=table.error_headers(error),
        media_type=MediaType.JSON,
    )


def report_error(request: AnyRequest, error: table.ApiError, status: int) -> None:
    """Give the line of the request in the log the code of the error; log one of ours by itself."""
    scope: Any = request.scope
    scope[ERROR] = error
    # These are the doing of clients, like requests beyond a rate limit.
    is_of_client = isinstance(error, QuotaExceeded | TooManyReads | TooManyUploads)
    if status >= 500 and not is_of_client:
        cause = error.__cause__
        reason = str(cause) if isinstance(cause, PortError) else table.error_message(error)
        _log.error("request_failed", error=type(error).__name__, reason=reason)


def from_port_error(error: PortError) -> table.ApiError:
    """Return the error of the database.

    A record that cannot be read says nothing about what the client sent. It is a fault of the
    service until an operator has mended it, and not of the client.
    """
    is_temporary = isinstance(error, StorageError | CorruptRecord)
    response_error = Unavailable() if is_temporary else exceptions.InternalError()
    response_error.__cause__ = error
    return response_error


def _handle_port_error(request: AnyRequest, error: PortError) -> Response[Any]:
    return to_response(request, from_port_error(error))


def allow_header(methods: Collection[str]) -> str:
    """Return the value of `Allow` for the methods of a path; HEAD works wherever GET does."""
    allowed = {*methods, "HEAD"} if "GET" in methods else set(methods)
    return ", ".join(sorted(allowed))


def _handle_framework_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    return to_response(request, from_framework_error(error, table.api_of(request.scope["path"])))


def _handle_unexpected_error(request: AnyRequest, error: Exception) -> Response[Any]:
    _log.error("request_crashed", exc_info=error)
    return to_response(request, exceptions.InternalError())


def from_framework_error(error: HTTPException, api: table.Api) -> table.ApiError:
    """Return our error for one of the framework."""
    match error.status_code:
        case 404:
            return exceptions.PathNotFound()
        case 405 if api is table.Api.LEGACY:
            return exceptions.MethodNotAllowed(HttpMethod.POST)
        case 405:
            methods = (error.headers or {}).get("allow", "").split(", ")
            return exceptions.MethodNotAllowed(allow_header(methods))
        case 413:
            return exceptions.BodyTooLarge()
        case 400 if isinstance(error, ValidationException):
            # All parameters are optional texts, so only a body can be missing.
            return exceptions.InvalidBody(
                FieldErrorCode.MISSING_FIELD, "A body is required: a JSON object."
            )
        case status if status < 500:
            return exceptions.InvalidBody(
                FieldErrorCode.INVALID_REQUEST,
                "The request is not what this path expects. See /docs.",
            )
        case _:
            return exceptions.InternalError()


EXCEPTION_HANDLERS: Final[Mapping[Any, Any]] = {
    DomainError: to_response,
    exceptions.HttpError: to_response,
    PortError: _handle_port_error,
    HTTPException: _handle_framework_error,
    Exception: _handle_unexpected_error,
}

"""Exception handlers: the only place where an exception becomes a response."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, ValidationException

from application.ports.errors import PortError, StorageError
from domain.errors import DomainError, QuotaExceeded, TooManyUploads, Unavailable
from entrypoints.http.errors.exceptions import (
    BodyTooLarge,
    FieldError,
    HttpError,
    InternalError,
    InvalidBody,
    InvalidFields,
    MethodNotAllowed,
    PathNotFound,
    TooManyReads,
)
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.table import (
    Api,
    ApiError,
    api_of,
    error_body,
    error_headers,
    error_message,
    error_status,
)

_log = structlog.get_logger()
_SERVER_ERROR: Final = 500

AnyRequest = Request[Any, Any, Any]


def to_response(request: AnyRequest, error: ApiError) -> Response[Any]:
    """Convert an error into the response of the API that the path belongs to."""
    api = api_of(request.scope["path"])
    status = error_status(error, api)
    # These are the doing of clients, like requests beyond a rate limit.
    is_of_client = isinstance(error, QuotaExceeded | TooManyUploads | TooManyReads)
    if status >= _SERVER_ERROR and not is_of_client:
        cause = error.__cause__
        reason = str(cause) if isinstance(cause, PortError) else error_message(error)
        _log.error("request_failed", error=type(error).__name__, reason=reason)
    return Response(
        error_body(error, api),
        status_code=status,
        headers=error_headers(error),
        media_type=MediaType.JSON,
    )


def _handle_port_error(request: AnyRequest, error: PortError) -> Response[Any]:
    """Respond to an error of the database; only a `StorageError` invites to repeat the request."""
    response_error = Unavailable() if isinstance(error, StorageError) else InternalError()
    response_error.__cause__ = error
    return to_response(request, response_error)


def allow_header(methods: Collection[str]) -> str:
    """Return the value of `Allow` for the methods of a path; HEAD works wherever GET does."""
    allowed = {*methods, "HEAD"} if "GET" in methods else set(methods)
    return ", ".join(sorted(allowed))


def _handle_framework_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    return to_response(request, _from_framework(error, api_of(request.scope["path"])))


def _handle_unexpected_error(request: AnyRequest, error: Exception) -> Response[Any]:
    _log.error("request_crashed", exc_info=error)
    return to_response(request, InternalError())


def _from_framework(error: HTTPException, api: Api) -> ApiError:
    match error.status_code:
        case 404:
            return PathNotFound()
        case 405:
            return MethodNotAllowed(_allowed_methods(error.headers or {}, api))
        case 413:
            return BodyTooLarge()
        case 400 if isinstance(error, ValidationException):
            return _invalid_parameters(error)
        case status if status < _SERVER_ERROR:
            return InvalidBody(
                FieldErrorCode.INVALID_REQUEST,
                "The request is not what this path expects. See /docs.",
            )
        case _:
            return InternalError()


def _allowed_methods(headers: Mapping[str, str], api: Api) -> str:
    value = next((value for name, value in headers.items() if name.lower() == "allow"), "")
    methods = {method.strip() for method in value.split(",") if method.strip()}
    if api is Api.LEGACY:
        methods.discard("OPTIONS")
    return allow_header(methods)


def _invalid_parameters(error: ValidationException) -> InvalidFields:
    details = error.extra if isinstance(error.extra, list) else []
    names = [str(detail.get("key")) for detail in details if isinstance(detail, dict)]
    if names and "data" not in names:
        return InvalidFields(
            *(
                FieldError(name, FieldErrorCode.INVALID_VALUE, "This value is invalid.")
                for name in names
            )
        )
    return InvalidBody(FieldErrorCode.MISSING_FIELD, "A body is required: a JSON object.")


EXCEPTION_HANDLERS: Final[Mapping[Any, Any]] = {
    DomainError: to_response,
    HttpError: to_response,
    PortError: _handle_port_error,
    HTTPException: _handle_framework_error,
    Exception: _handle_unexpected_error,
}

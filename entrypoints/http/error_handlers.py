"""Whatever a handler raises becomes an answer here, and only here."""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, SerializationException, ValidationException

from application.ports.errors import PortError
from domain.errors import DomainError, InvalidFields
from entrypoints.http.error_table import body_of, headers_of, status_of
from entrypoints.http.families import Family, family_of
from entrypoints.http.refusals import (
    BodyTooLarge,
    BodyUnreadable,
    MethodRefused,
    PathNotFound,
    Unforeseen,
)

_log = structlog.get_logger()
_SERVER_ERROR: Final = 500

AnyRequest = Request[Any, Any, Any]


def answer(request: AnyRequest, error: DomainError) -> Response[Any]:
    """Tell a refusal in the words of the path's family."""
    family = family_of(request.scope["path"])
    status = status_of(error, family)
    if status >= _SERVER_ERROR:
        cause = error.__cause__
        reason = str(cause) if isinstance(cause, PortError) else error.message
        _log.error("request_failed", error=type(error).__name__, reason=reason)
    return Response(
        body_of(error, family),
        status_code=status,
        headers=headers_of(error),
        media_type=MediaType.JSON,
    )


def answer_framework(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """Tell what the framework refused by itself."""
    return answer(request, _translated(error, family_of(request.scope["path"])))


def answer_unforeseen(request: AnyRequest, error: Exception) -> Response[Any]:
    """Tell nothing but that it has been noted; the log has where it happened."""
    _log.error("unhandled_exception", exc_info=error)
    return answer(request, Unforeseen())


def _translated(error: HTTPException, family: Family) -> DomainError:
    match error.status_code:
        case 404:
            return PathNotFound()
        case 405:
            return MethodRefused(_allowed(error.headers or {}, family))
        case 413:
            return BodyTooLarge()
        case 400 if isinstance(error, ValidationException):
            return _fields(error)
        case status if status < _SERVER_ERROR:
            return BodyUnreadable("This is not what the path takes; see /docs.")
        case _:
            return Unforeseen()


def _allowed(headers: Mapping[str, str], family: Family) -> str:
    given = next((value for name, value in headers.items() if name.lower() == "allow"), "")
    methods = {method.strip() for method in given.split(",") if method.strip()}
    if family is Family.OLDER_APP:
        methods.discard("OPTIONS")
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


def _fields(error: ValidationException) -> InvalidFields:
    given = error.extra if isinstance(error.extra, list) else []
    names = [str(one.get("key")) for one in given if isinstance(one, dict)]
    if names and "data" not in names:
        return InvalidFields({name: ["This is not what it has to be."] for name in names})
    return BodyUnreadable("A body is required: a JSON object.")


HANDLERS: Final[Mapping[Any, Any]] = {
    DomainError: answer,
    HTTPException: answer_framework,
    SerializationException: lambda request, _: answer(request, BodyUnreadable("This is not JSON.")),
    Exception: answer_unforeseen,
}

"""Errors that only HTTP has, beside those of the domain."""

from typing import Annotated

import msgspec

from domain.errors import Unauthenticated
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.fields import described

MessageField = Annotated[str, described("A message for people.", "User not found")]


class HttpError(Exception):
    """Base class; `str(error)` replaces the message in the table if it is not empty."""


class FieldError(msgspec.Struct, frozen=True):
    """A message about an invalid field."""

    field: Annotated[str, described("The name of the field.", "phone")]
    code: Annotated[str, described("A stable code for programs.", "country_not_served")]
    message: MessageField


class InvalidFields(HttpError):
    """Fields of the request are invalid."""

    def __init__(self, *field_errors: FieldError) -> None:
        super().__init__()
        self.field_errors = field_errors


class InvalidBody(InvalidFields):
    """The body as a whole is invalid; it is reported as the field `body`."""

    def __init__(self, code: FieldErrorCode, message: str) -> None:
        super().__init__(FieldError("body", code, message))


class NoAccessToken(Unauthenticated):
    """The request has no access token."""


class InvalidHost(HttpError):
    """The request has no Host header, two of them, or an invalid one."""


class InvalidAuthorization(HttpError):
    """The request has two Authorization headers."""


class UnsupportedTransferEncoding(HttpError):
    """The body has a transfer coding other than `chunked` (RFC 9112 §6.1)."""


class OriginNotAllowed(HttpError):
    """A page of another origin made a browser send the request."""


class UnsupportedMediaType(HttpError):
    """The body is not declared to be JSON."""


class UnsupportedContentEncoding(HttpError):
    """The body is compressed, or encoded in another way (RFC 9110 §15.5.16)."""


class RequestTimeout(HttpError):
    """The body arrives too slowly (RFC 9110 §15.5.9)."""


class BodyTooLarge(HttpError):
    """The body is larger than the limit for JSON."""


class PreconditionFailed(HttpError):
    """The file is not the one that `If-Match` or `If-Unmodified-Since` names."""


class RangeNotSatisfiable(HttpError):
    """The requested range begins after the end of the file, which has `size` bytes."""

    def __init__(self, size: int = 0) -> None:
        super().__init__()
        self.size = size


class InvalidUserId(HttpError):
    """The text is not a user id."""


class UserSaveFailed(HttpError):
    """The database did not save the user."""


class PathNotFound(HttpError):
    """No operation has this path."""


class NoIssuerMetadata(HttpError):
    """The issuer of access tokens is not at the URL of this service (RFC 8414 §3.3)."""


class MethodNotAllowed(HttpError):
    """The path exists, but not with this method; `allowed` is the value of the `Allow` header."""

    def __init__(self, allowed: str) -> None:
        super().__init__()
        self.allowed = allowed


class Overloaded(HttpError):
    """Too many requests of all clients wait for the database, which works."""


class InternalError(HttpError):
    """An unexpected exception was raised; the log has the details."""

"""The one table from refusals to answers, for each family of paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain import errors
from domain.errors import DomainError
from entrypoints.http import refusals
from entrypoints.http.families import Family


@dataclass(frozen=True, slots=True)
class Row:
    """Status and `code` of the main family."""

    status: int
    code: str


@dataclass(frozen=True, slots=True)
class OlderRow:
    """Status, `exit_code` and the fixed beginning of `error` of the older app's family.

    `tells` says whether a reason follows; the fixed texts are compared by clients.
    """

    status: int
    exit_code: int
    prefix: str
    tells: bool = True


MAIN: Final[Mapping[type[DomainError], Row]] = {
    errors.InvalidFields: Row(400, "invalid"),
    errors.InvalidValue: Row(400, "invalid"),
    errors.Unauthenticated: Row(401, "unauthenticated"),
    errors.InvalidRefreshToken: Row(401, "unauthenticated"),
    errors.SessionNotFound: Row(404, "session_not_found"),
    errors.Unavailable: Row(503, "unavailable"),
    errors.TooManyOtpRequests: Row(429, "too_many_asks"),
    errors.TooManyAttempts: Row(429, "too_many_tries"),
    errors.CountryNotServed: Row(400, "invalid"),
    errors.PhoneUnreachable: Row(400, "invalid"),
    errors.DeliveryFailed: Row(503, "message_not_sent"),
    errors.PhoneMismatch: Row(403, "phone_not_own"),
    errors.PhoneInUse: Row(409, "phone_in_use"),
    errors.UsernameInUse: Row(409, "username_in_use"),
    errors.InvalidUserId: Row(400, "invalid_user_id"),
    errors.UserNotFound: Row(404, "user_not_found"),
    errors.UserSaveFailed: Row(500, "user_not_saved"),
    errors.NoFilePart: Row(400, "no_file_part"),
    errors.NoSelectedFile: Row(400, "no_selected_file"),
    errors.MissingUserId: Row(400, "missing_user_id"),
    errors.InvalidItemId: Row(400, "invalid_item_id"),
    errors.ItemNotFound: Row(404, "item_not_found"),
    errors.Forbidden: Row(403, "not_owner"),
    errors.FileTooLarge: Row(413, "file_too_large"),
    errors.UnsupportedImageType: Row(415, "not_an_image"),
    errors.InvalidImage: Row(422, "picture_refused"),
    errors.MediaStorageFailed: Row(500, "file_not_stored"),
    errors.ItemSaveFailed: Row(500, "item_not_saved"),
    errors.LibraryReadFailed: Row(500, "page_not_read"),
    errors.MediaFileNotFound: Row(404, "media_not_found"),
    refusals.BodyTooLarge: Row(413, "body_too_large"),
    refusals.BodyUnreadable: Row(400, "invalid"),
    refusals.WrongCode: Row(403, "wrong_code"),
    refusals.PathNotFound: Row(404, "not_found"),
    refusals.MethodRefused: Row(405, "method_not_allowed"),
    refusals.Unforeseen: Row(500, "unforeseen"),
}

_DENIED = "permission denied/ 403 Forbidden: Invalid OTP or Validation failed "
_MALFORMED = OlderRow(400, 4, "Bad Request/ Data format incorrect 400 Bad Request: ")
_NOT_SENT = (
    "Internal server error 500 Internal Server Error: unable to connect to message server :- "
)
_BROKEN = OlderRow(500, 5, "Internal server error 500 Internal Server Error: ")
_TOO_MANY = OlderRow(429, 1, "Too many requests 429 Too Many Requests: ")
_LOST = OlderRow(404, 1, "ARE YOU LOST :: 404 Not Found: ")
_POST_ONLY = "Method not allowed 405 Method Not Allowed: Only POST methods are allowed"

OLDER_APP: Final[Mapping[type[DomainError], OlderRow]] = dict.fromkeys(MAIN, _BROKEN) | {
    errors.InvalidFields: _MALFORMED,
    errors.InvalidValue: _MALFORMED,
    errors.CountryNotServed: _MALFORMED,
    errors.PhoneUnreachable: _MALFORMED,
    refusals.BodyTooLarge: _MALFORMED,
    refusals.BodyUnreadable: _MALFORMED,
    refusals.WrongCode: OlderRow(403, 1, _DENIED, tells=False),
    errors.DeliveryFailed: OlderRow(500, 5, _NOT_SENT),
    errors.TooManyOtpRequests: _TOO_MANY,
    errors.TooManyAttempts: _TOO_MANY,
    refusals.PathNotFound: _LOST,
    refusals.MethodRefused: OlderRow(405, 1, _POST_ONLY, tells=False),
}

_PHONE_ERRORS: Final = (errors.CountryNotServed, errors.PhoneUnreachable)


def status_of(error: DomainError, family: Family) -> int:
    """The status that a family's clients get for this refusal."""
    if family is Family.OLDER_APP:
        return OLDER_APP[type(error)].status
    return MAIN[type(error)].status


def body_of(error: DomainError, family: Family) -> dict[str, Any]:
    """The body that a family's clients get for this refusal."""
    if family is Family.OLDER_APP:
        return _older_body(OLDER_APP[type(error)], _reason(error))
    code = MAIN[type(error)].code
    if isinstance(error, errors.InvalidFields):
        return {"errors": error.errors, "code": code}
    if isinstance(error, _PHONE_ERRORS):
        return {"errors": {"phone": [error.message]}, "code": code}
    body: dict[str, Any] = {"error": error.message, "code": code}
    for extra in ("retry_after", "details", "user_id", "username"):
        value = getattr(error, extra, None)
        if value is not None:
            body[extra] = value
    return body


def headers_of(error: DomainError) -> dict[str, str]:
    """The headers that go with a refusal, in every family."""
    headers = {}
    if (retry_after := getattr(error, "retry_after", None)) is not None:
        headers["Retry-After"] = str(retry_after)
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, refusals.MethodRefused):
        headers["Allow"] = error.allowed
    return headers


def _older_body(row: OlderRow, reason: str) -> dict[str, Any]:
    return {
        "error": row.prefix + (reason if row.tells else ""),
        "exit_code": row.exit_code,
        "message": "failed",
        "status_code": row.status,
    }


def _reason(error: DomainError) -> str:
    if isinstance(error, errors.InvalidFields):
        return "; ".join(
            f"{field}: {' '.join(sentences)}" for field, sentences in error.errors.items()
        )
    return error.message

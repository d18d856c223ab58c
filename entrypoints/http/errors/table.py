"""The table from errors to responses, for each API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import msgspec

from domain import errors
from domain.errors import DomainError, RateLimitExceeded
from domain.media.page import MAX_TOTAL
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.limits import MAX_JSON_BYTES

ApiError: TypeAlias = DomainError | exceptions.HttpError


class Api(StrEnum):
    """The APIs that differ in their error responses."""

    MAIN = "main"
    LEGACY = "legacy"


def api_of(path: str) -> Api:
    """Return the API of a path by whole segments: `/authenticated` is not `/authenticate`."""
    segments = [segment for segment in path.split("/") if segment]
    return Api.LEGACY if segments[:1] == ["authenticate"] else Api.MAIN


_BAD_REQUEST: Final = (4, "Bad Request/ Data format incorrect")
_LEGACY: Final[Mapping[int, tuple[int, str]]] = {
    400: _BAD_REQUEST,
    403: (1, "permission denied/"),
    404: (1, "ARE YOU LOST ::"),
    405: (1, "Method not allowed"),
    408: _BAD_REQUEST,
    415: _BAD_REQUEST,
    429: (1, "Too many requests"),
    500: (5, "Internal server error"),
}
"""The statuses of the legacy API, with the exit code and the first words of `error`.

Clients compare how `error` begins. Errors of any other status are a 500 there.
"""

_LEGACY_STATUSES: Final[Mapping[type[ApiError], int]] = {
    exceptions.BodyTooLarge: 400,
    errors.NumberWasChanged: 403,
}
"""The statuses there of errors whose status in the main API is none of those."""
_WRONG_CODE: Final = "Invalid OTP or Validation failed "
_LEGACY_REASONS: Final[Mapping[type[ApiError], str]] = {
    errors.IncorrectOtp: _WRONG_CODE,
    errors.NumberWasChanged: _WRONG_CODE,
    exceptions.MethodNotAllowed: "Only POST methods are allowed",
    errors.DeliveryFailed: "unable to connect to message server :- {}",
}
"""The reasons that follow those words, where they are not the error's message, `{}`."""
_UNAVAILABLE_RETRY_AFTER: Final = 5


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """An error in the main API.

    - `message` is for people, `code` for programs.
    - `retry_after` is in seconds. For a 503 it is five.
    - `field` is the name of the field that the error is about. It is reported in `errors`, or with
      `keeps_error` in `error`, as clients of the older service expect.
    - `details` is a second message.
    - `example` is shown in the description of the API, for an error that needs arguments.
    - `optional` has the fields that only some errors with this code have.
    """

    status: int
    code: str
    message: str = "This value is invalid."
    retry_after: int | None = None
    field: str | None = None
    keeps_error: bool = False
    details: str | None = None
    example: ApiError | None = None
    optional: frozenset[str] = frozenset()


_UNAUTHENTICATED: Final = ErrorRow(
    401, "unauthenticated", "Sign in and send the access token as 'Authorization: Bearer <token>'."
)
_INVALID: Final = ErrorRow(400, "invalid", "Some fields are invalid.")
ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    exceptions.InvalidFields: _INVALID,
    exceptions.InvalidBody: _INVALID,
    # Invalid values: each error has a message of its own, and its code is in `field_errors`.
    errors.InvalidValue: ErrorRow(400, FieldErrorCode.INVALID_VALUE),
    errors.InvalidPhone: ErrorRow(400, FieldErrorCode.INVALID_PHONE),
    errors.AmbiguousPhone: ErrorRow(400, FieldErrorCode.AMBIGUOUS_PHONE),
    errors.UnsupportedPhoneType: ErrorRow(400, FieldErrorCode.UNSUPPORTED_PHONE_TYPE),
    errors.MalformedOtp: ErrorRow(400, FieldErrorCode.MALFORMED_OTP),
    errors.TooShort: ErrorRow(400, FieldErrorCode.TOO_SHORT),
    errors.TooLong: ErrorRow(400, FieldErrorCode.TOO_LONG),
    errors.InvalidCharacters: ErrorRow(400, FieldErrorCode.INVALID_CHARACTERS),
    errors.NoVisibleCharacter: ErrorRow(400, FieldErrorCode.NO_VISIBLE_CHARACTER),
    errors.MixedScripts: ErrorRow(400, FieldErrorCode.MIXED_SCRIPTS),
    errors.ReservedName: ErrorRow(400, FieldErrorCode.RESERVED_NAME),
    errors.InvalidCursor: ErrorRow(400, FieldErrorCode.INVALID_CURSOR),
    errors.InvalidNumber: ErrorRow(400, FieldErrorCode.INVALID_NUMBER),
    errors.InvalidIdentifier: ErrorRow(400, FieldErrorCode.INVALID_ID),
    errors.UnsupportedValue: ErrorRow(400, FieldErrorCode.UNSUPPORTED_VALUE),
    errors.ConflictingValue: ErrorRow(400, FieldErrorCode.CONFLICTING_VALUE),
    # The request as a whole
    exceptions.InvalidHost: ErrorRow(
        400, "invalid_host", "Send one Host header with a host name or an IP, and perhaps a port."
    ),
    exceptions.InvalidAuthorization: ErrorRow(
        400, "invalid_authorization", "Send one Authorization header."
    ),
    exceptions.UnsupportedTransferEncoding: ErrorRow(
        501, "unsupported_transfer_encoding", "The only transfer coding of this service is chunked."
    ),
    exceptions.OriginNotAllowed: ErrorRow(
        403,
        "origin_not_allowed",
        "Pages of this origin may not do this. The operator of the service can list the origin in "
        "DIALTONE_WEB_ORIGINS.",
    ),
    exceptions.UnsupportedMediaType: ErrorRow(
        415, "unsupported_media_type", "Send JSON with the header 'Content-Type: application/json'."
    ),
    exceptions.UnsupportedContentEncoding: ErrorRow(
        415, "unsupported_content_encoding", "Send the body without Content-Encoding."
    ),
    exceptions.RequestTimeout: ErrorRow(
        408, "request_timeout", "The body did not arrive in time. Send the request again."
    ),
    exceptions.BodyTooLarge: ErrorRow(
        413, "body_too_large", f"The body is larger than {MAX_JSON_BYTES} bytes."
    ),
    errors.Unauthenticated: _UNAUTHENTICATED,
    exceptions.NoAccessToken: _UNAUTHENTICATED,
    errors.TooManyRequests: ErrorRow(
        429,
        "rate_limited",
        "Too many requests. Wait before you send the next one.",
        example=errors.TooManyRequests(retry_after=15),
    ),
    exceptions.PathNotFound: ErrorRow(
        404, "not_found", "There is nothing at this path. The API is described at /docs."
    ),
    exceptions.MethodNotAllowed: ErrorRow(
        405,
        "method_not_allowed",
        "This path does not support this method.",
        example=exceptions.MethodNotAllowed(allowed="POST"),
    ),
    errors.Unavailable: ErrorRow(
        503,
        "unavailable",
        "The service is temporarily unavailable. Try again shortly.",
        optional=frozenset({"details"}),
    ),
    exceptions.InternalError: ErrorRow(500, "internal_error", "An internal error occurred."),
    # The console
    exceptions.NotSignedIn: ErrorRow(401, "not_signed_in", "Sign in first, and try again."),
    exceptions.TokenNotAccepted: ErrorRow(
        401,
        "token_not_accepted",
        "The console takes no access tokens and no service tokens. Sign in with your phone.",
    ),
    exceptions.ConsoleOriginNotAllowed: ErrorRow(
        403, "origin_not_allowed", "Open the console at the address of the service, and try again."
    ),
    exceptions.InvalidFormToken: ErrorRow(
        403,
        "invalid_form_token",
        "This form is from an earlier session, so nothing was done. Go back, load the page again,"
        " and send the form from there.",
    ),
    exceptions.InvalidForm: ErrorRow(400, "invalid_form", "The form could not be read."),
    # One-time codes
    errors.TooManyOtpRequests: ErrorRow(
        429,
        "rate_limited",
        "Too many codes were requested. Wait before you request another one.",
        example=errors.TooManyOtpRequests(retry_after=15),
    ),
    errors.TooManyOperatorCodes: ErrorRow(
        429,
        "rate_limited",
        "Operators sent three codes to this phone within a day. Wait before you send the next one.",
        example=errors.TooManyOperatorCodes(retry_after=3600),
    ),
    errors.AttestationRequired: ErrorRow(
        403,
        "attestation_required",
        "Too many codes are requested. Send a proof that one of the challenges in 'attestation'"
        " asks for.",
        example=errors.AttestationRequired(
            {"type": "siteverify", "site_key": "<the site key of the app>"}
        ),
    ),
    errors.TooManyAttempts: ErrorRow(
        429,
        "too_many_attempts",
        "Too many attempts with this code. Request a new code.",
        example=errors.TooManyAttempts(retry_after=285, resend_in=15),
    ),
    errors.TooManyAttemptsFromIp: ErrorRow(
        429,
        "too_many_attempts",
        "Too many attempts from your network. Wait before you try again.",
        example=errors.TooManyAttemptsFromIp(retry_after=285, resend_in=15),
    ),
    errors.CountryNotServed: ErrorRow(
        400,
        FieldErrorCode.COUNTRY_NOT_SERVED,
        "Codes are not sent to the country of this number.",
        field="phone",
    ),
    errors.PhoneUnreachable: ErrorRow(
        400,
        FieldErrorCode.PHONE_UNREACHABLE,
        "The carrier cannot deliver to this number. Check it, or use another number.",
        field="phone",
    ),
    errors.DeliveryFailed: ErrorRow(
        503,
        "delivery_failed",
        "The message could not be delivered. Try again shortly.",
        example=errors.DeliveryFailed(retry_after=15),
    ),
    # Of `verify-otp` only the legacy API has it: in the main API a wrong code is no error there.
    errors.IncorrectOtp: ErrorRow(
        403,
        "invalid_otp",
        "Invalid OTP",
        example=errors.IncorrectOtp("otp", attempts_left=4),
        optional=frozenset({"attempts_left"}),
    ),
    # Sessions
    errors.InvalidRefreshToken: ErrorRow(
        401, "unauthenticated", "This refresh token is no longer valid. Sign in again."
    ),
    errors.SessionNotFound: ErrorRow(404, "session_not_found", "Session not found"),
    # Users
    errors.PhoneMismatch: ErrorRow(
        403, "phone_mismatch", "The number is not the phone that you signed in with."
    ),
    errors.PhoneInUse: ErrorRow(
        409,
        "phone_in_use",
        "Phone number already in use",
        example=errors.PhoneInUse("6561a2b0c3d4e5f60718293a", "Rahul Sharma"),
        optional=frozenset({"user_id", "username"}),
    ),
    errors.NumberWasChanged: ErrorRow(
        409,
        "number_was_changed",
        "The account has another number now: sign in with that one. If you did not change it, undo"
        " the change with POST /auth/undo-phone-change.",
    ),
    errors.UndoNotPossible: ErrorRow(
        409, "undo_not_possible", "The change of this number cannot be undone, or not anymore."
    ),
    errors.DisownNotPossible: ErrorRow(
        409,
        "disown_not_possible",
        "There is nothing to disown: the account did not get this number within the last seven"
        " days.",
    ),
    errors.PhoneChangeForbidden: ErrorRow(
        403,
        "phone_change_forbidden",
        "The last change of your number was undone. For seven days after that, you cannot change it"
        " again.",
        example=errors.PhoneChangeForbidden(retry_after=604800),
    ),
    errors.UsernameInUse: ErrorRow(409, "username_in_use", "Username already in use"),
    errors.ExternalIdInUse: ErrorRow(409, "external_id_in_use", "External id already in use"),
    exceptions.InvalidUserId: ErrorRow(
        400, FieldErrorCode.INVALID_ID, "Invalid user id", field="user_id", keeps_error=True
    ),
    errors.UserNotFound: ErrorRow(404, "user_not_found", "User not found"),
    errors.UserSaveFailed: ErrorRow(
        500, "storage_failed", "User creation failed", retry_after=_UNAVAILABLE_RETRY_AFTER
    ),
    # Library
    exceptions.NoFilePart: ErrorRow(
        400, FieldErrorCode.NO_FILE_PART, "No file part", field="file", keeps_error=True
    ),
    exceptions.NoSelectedFile: ErrorRow(
        400, FieldErrorCode.NO_SELECTED_FILE, "No selected file", field="file", keeps_error=True
    ),
    exceptions.MissingUserId: ErrorRow(
        400, FieldErrorCode.MISSING_USER_ID, "Missing user_id", field="user_id", keeps_error=True
    ),
    exceptions.InvalidItemId: ErrorRow(
        400, FieldErrorCode.INVALID_ID, "Invalid item id", field="item_id", keeps_error=True
    ),
    exceptions.PageTooDeep: ErrorRow(
        400,
        FieldErrorCode.PAGE_TOO_DEEP,
        f"Pages by number end at {MAX_TOTAL} items. For later pages, send the next_cursor of a"
        " page as cursor, and omit page.",
        field="page",
    ),
    errors.ItemNotFound: ErrorRow(404, "item_not_found", "Item not found"),
    errors.MediaFileNotFound: ErrorRow(404, "not_found", "File not found"),
    exceptions.PreconditionFailed: ErrorRow(
        412, "precondition_failed", "The file is not the one that the request names."
    ),
    exceptions.RangeNotSatisfiable: ErrorRow(
        416, "range_not_satisfiable", "The range begins after the end of the file."
    ),
    # Calls
    errors.CallNotFound: ErrorRow(404, "call_not_found", "Call not found"),
    errors.CallRecordingNotFound: ErrorRow(404, "recording_not_found", "Recording not found"),
    # What only some callers may do
    errors.Forbidden: ErrorRow(403, "forbidden", "Only the owner or an administrator may do this."),
    errors.ReauthenticationRequired: ErrorRow(
        403,
        "reauthentication_required",
        "Sign in again: administrators act for others within a day after they signed in.",
    ),
    errors.FreshLoginRequired: ErrorRow(
        403,
        "reauthentication_required",
        "Sign in again: this needs a login within the last 15 minutes.",
    ),
    # Administration
    errors.InsufficientScope: ErrorRow(
        403,
        "insufficient_scope",
        "The service token lacks the scope that this needs.",
        example=errors.InsufficientScope("users:read"),
    ),
    errors.AuditFailed: ErrorRow(
        503,
        "audit_failed",
        "The audit entry could not be written, so nothing was done. Try again shortly.",
    ),
    errors.PhoneBlocked: ErrorRow(
        409, "phone_blocked", "This phone is blocked, so nothing is sent to it. Unblock it first."
    ),
    errors.TooManyResets: ErrorRow(
        429,
        "rate_limited",
        "The limits of this phone were reset twice within a day. Wait before the next reset.",
        example=errors.TooManyResets(retry_after=3600),
    ),
    errors.TooManyTokenRequests: ErrorRow(
        429,
        "rate_limited",
        "This service token sends too many requests. Wait before you send the next one.",
        example=errors.TooManyTokenRequests(retry_after=15),
    ),
    errors.TooManyPhoneChanges: ErrorRow(
        429,
        "rate_limited",
        "This service token has changed as many phone numbers as it may in a day: 20.",
        example=errors.TooManyPhoneChanges(retry_after=3600),
    ),
    errors.TooManyPhones: ErrorRow(
        429,
        "rate_limited",
        "This service token has read as many full phone numbers as it may in a day.",
        example=errors.TooManyPhones(retry_after=3600),
    ),
    errors.TooManyExports: ErrorRow(
        429,
        "rate_limited",
        "You exported your data within the last day. Wait before the next export.",
        example=errors.TooManyExports(retry_after=3600),
    ),
    errors.TokenNotFound: ErrorRow(404, "token_not_found", "Service token not found"),
    errors.CostsNotCounted: ErrorRow(
        404,
        "costs_not_counted",
        "This service counts no costs. Its operator can change that with DIALTONE_PRICES.",
    ),
    exceptions.FileTooLarge: ErrorRow(
        413,
        "file_too_large",
        "The file is too large.",
        example=exceptions.FileTooLarge(limit=20_000_000),
    ),
    exceptions.FormTooLarge: ErrorRow(
        413, "form_too_large", "The form has too many parts, or is too large besides the file."
    ),
    errors.TooManyUploads: ErrorRow(
        503,
        "too_many_uploads",
        "Too many uploads are in progress. Wait until one of yours ends, and try again.",
    ),
    errors.NoUploadSpace: ErrorRow(
        503, "unavailable", "There is no space for this upload now. Try again shortly."
    ),
    errors.QuotaExceeded: ErrorRow(
        507,
        "quota_exceeded",
        "The library is full.",
        example=errors.QuotaExceeded(0, 0, 0, 0),
    ),
    errors.UploadInProgress: ErrorRow(
        409,
        "upload_in_progress",
        "Another upload with this idempotency key is under way. Try again when it has ended.",
        retry_after=2,
    ),
    errors.ItemDeleted: ErrorRow(
        410, "item_deleted", "The item of this idempotency key has been deleted since."
    ),
    errors.IdempotencyKeyReused: ErrorRow(
        422,
        "idempotency_key_reused",
        "This idempotency key belongs to an upload of another file or other fields.",
    ),
    errors.TooManyPixels: ErrorRow(
        429,
        "rate_limited",
        "You have uploaded too many pixels in the last hour. Wait, or upload smaller images.",
        example=errors.TooManyPixels(retry_after=1200),
    ),
    errors.TooManyReads: ErrorRow(
        503,
        "unavailable",
        "Too many files are being read. Wait until one has arrived, and try again.",
    ),
    errors.UnsupportedImageType: ErrorRow(
        415,
        "unsupported_image_type",
        "The file is not an image of an accepted format.",
        example=errors.UnsupportedImageType("application/pdf"),
    ),
    errors.InvalidImage: ErrorRow(
        422,
        "invalid_image",
        "The image is broken or too large.",
        optional=frozenset({"limit"}),
    ),
    errors.MediaStorageNotResponding: ErrorRow(
        503,
        "unavailable",
        "Failed to upload file to S3",
        details="The media store does not respond. Try again shortly.",
    ),
    errors.MediaStorageFailed: ErrorRow(
        500,
        "storage_failed",
        "Failed to upload file to S3",
        details="The media store rejected the file.",
        optional=frozenset({"retry_after"}),
    ),
    errors.MediaStoreFull: ErrorRow(
        507, "storage_full", "There is no space for the file. The operator has to make some."
    ),
    errors.ItemSaveFailed: ErrorRow(
        500,
        "storage_failed",
        "Failed to save library item",
        retry_after=_UNAVAILABLE_RETRY_AFTER,
        details="The database did not save the item. Try again shortly.",
    ),
    errors.LibraryReadFailed: ErrorRow(
        500,
        "storage_failed",
        "Failed to fetch library items",
        retry_after=_UNAVAILABLE_RETRY_AFTER,
        details="The database did not respond. Try again shortly.",
    ),
}

_ATTRIBUTES: Final[Mapping[type[ApiError], Sequence[str]]] = {
    errors.AttestationRequired: ["attestation"],
    errors.TooManyAttempts: ["resend_in"],
    errors.TooManyAttemptsFromIp: ["resend_in"],
    errors.IncorrectOtp: ["field", "attempts_left"],
    errors.PhoneInUse: ["user_id", "username"],
    errors.UnsupportedImageType: ["detected"],
    errors.InvalidImage: ["reason", "limit"],
    errors.InsufficientScope: ["scope"],
}
"""Attributes of errors that are fields of the body, unless they are None."""
INVALID_CODE: Final = _INVALID.code
"""The code of every response that is only about fields."""


def has_response(error: type[ApiError]) -> bool:
    """Whether the main API has responses with the code of this error, not only fields."""
    row = ERRORS[error]
    is_field = issubclass(error, errors.InvalidValue) or (row.field and not row.keeps_error)
    # Only commands revoke service tokens.
    is_elsewhere = error is errors.TokenNotFound or issubclass(error, exceptions.ConsoleError)
    return not is_field and row.code != INVALID_CODE and not is_elsewhere


def error_status(error: ApiError, api: Api) -> int:
    """Return the HTTP status of an error."""
    status = ERRORS[type(error)].status
    if api is Api.MAIN or status in _LEGACY:
        return status
    return _LEGACY_STATUSES.get(type(error), 500)


def error_code(error: ApiError) -> str:
    """Return the code of an error in the main API; the legacy API shows none."""
    row = ERRORS[type(error)]
    return INVALID_CODE if _field_errors(error) and not row.keeps_error else row.code


def error_body(error: ApiError, api: Api) -> dict[str, Any]:
    """Return the JSON body of an error."""
    row = ERRORS[type(error)]
    if api is Api.LEGACY:
        return _legacy_body(error)
    field_errors = _field_errors(error)
    shown_errors = [msgspec.structs.asdict(field_error) for field_error in field_errors]
    if field_errors and not row.keeps_error:
        return {
            "errors": _messages(field_errors),
            "code": INVALID_CODE,
            "field_errors": shown_errors,
        }
    optional = {
        "field_errors": shown_errors or None,
        "retry_after": _retry_after(error),
        "details": row.details,
        **{name: getattr(error, name) for name in _ATTRIBUTES.get(type(error), ())},
        **(error.usage if isinstance(error, errors.QuotaExceeded) else {}),
    }
    present = {name: value for name, value in optional.items() if value is not None}
    return {"error": error_message(error), "code": row.code, **present}


def error_headers(error: ApiError) -> dict[str, str]:
    """Return the headers of an error response, the same in each API."""
    headers = {}
    if (retry_after := _retry_after(error)) is not None:
        headers["Retry-After"] = str(retry_after)
    if isinstance(error, errors.Unauthenticated):
        # RFC 6750 §3.1, also below: without a token, the response has no error code.
        is_missing = isinstance(error, exceptions.NoAccessToken)
        headers["WWW-Authenticate"] = "Bearer" if is_missing else 'Bearer error="invalid_token"'
    if isinstance(error, errors.InsufficientScope):
        headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{error.scope}"'
    if isinstance(error, exceptions.RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, exceptions.UnsupportedContentEncoding):
        headers["Accept-Encoding"] = "identity"
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = error.allowed
    return headers


def error_message(error: ApiError) -> str:
    """Return the message of the error itself, or else that of its class."""
    if isinstance(error, exceptions.InvalidFields):
        messages = _messages(error.field_errors)
        return "; ".join(f"{field}: {' '.join(texts)}" for field, texts in messages.items())
    return str(error) or ERRORS[type(error)].message


def _retry_after(error: ApiError) -> int | None:
    if isinstance(error, RateLimitExceeded | errors.DeliveryFailed | errors.PhoneChangeForbidden):
        return error.retry_after
    row = ERRORS[type(error)]
    return _UNAVAILABLE_RETRY_AFTER if row.status == 503 else row.retry_after


def to_field_error(field: str, error: ApiError) -> exceptions.FieldError:
    """Return the error of a field, with the code in the table."""
    code = FieldErrorCode(ERRORS[type(error)].code)
    return exceptions.FieldError(field, code, error_message(error))


def _field_errors(error: ApiError) -> Sequence[exceptions.FieldError]:
    if isinstance(error, exceptions.InvalidFields):
        return error.field_errors
    field = ERRORS[type(error)].field
    return [] if field is None else [to_field_error(field, error)]


def _messages(field_errors: Sequence[exceptions.FieldError]) -> dict[str, list[str]]:
    messages: dict[str, list[str]] = {}
    for error in field_errors:
        messages.setdefault(error.field, []).append(error.message)
    return messages


def _legacy_body(error: ApiError) -> dict[str, Any]:
    status = error_status(error, Api.LEGACY)
    exit_code, words = _LEGACY[status]
    reason = _LEGACY_REASONS.get(type(error), "{}").format(error_message(error))
    return {
        "error": f"{words} {status} {HTTPStatus(status).phrase}: {reason}",
        "exit_code": exit_code,
        "message": "failed",
        "status_code": status,
    }

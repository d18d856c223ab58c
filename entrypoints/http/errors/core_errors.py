"""The errors of the core, in the main API."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from domain import errors
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.table import INVALID_CODE, RETRY_AFTER, ApiError, ErrorRow, ErrorTable
from entrypoints.http.settings import MAX_JSON_BYTES
from entrypoints.texts.acts import HAS_FIXED_CODE, LIMITS_RESET_TWICE

_SIGN_IN: Final = "Sign in and send the access token as 'Authorization: Bearer <token>'."
_INVALID: Final = ErrorRow(400, INVALID_CODE, "Some fields are invalid.")


def _invalid_token(_: object) -> Mapping[str, str]:
    # RFC 6750 §3.1: without a token, the response has no error code.
    return {"WWW-Authenticate": 'Bearer error="invalid_token"'}


def _no_scope(error: errors.InsufficientScope) -> Mapping[str, str]:
    return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{error.scope}"'}


CORE_ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
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
    errors.PhoneAsUsername: ErrorRow(400, FieldErrorCode.PHONE_AS_USERNAME),
    errors.InvalidCursor: ErrorRow(400, FieldErrorCode.INVALID_CURSOR),
    errors.InvalidNumber: ErrorRow(400, FieldErrorCode.INVALID_NUMBER),
    errors.InvalidIdentifier: ErrorRow(400, FieldErrorCode.INVALID_ID),
    errors.UnsupportedValue: ErrorRow(400, FieldErrorCode.UNSUPPORTED_VALUE),
    errors.HasFixedCode: ErrorRow(400, FieldErrorCode.INVALID_VALUE, HAS_FIXED_CODE),
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
        "Pages of this origin may not do this. Send the request from a page of the service, or ask "
        "its operator to allow the origin.",
    ),
    exceptions.UnsupportedMediaType: ErrorRow(
        415, "unsupported_media_type", "Send JSON with the header 'Content-Type: application/json'."
    ),
    exceptions.UnsupportedContentEncoding: ErrorRow(
        415,
        "unsupported_content_encoding",
        "Send the body without Content-Encoding.",
        headers=lambda _: {"Accept-Encoding": "identity"},
    ),
    exceptions.RequestTimeout: ErrorRow(
        408, "request_timeout", "The body did not arrive in time. Send the request again."
    ),
    exceptions.BodyTooLarge: ErrorRow(
        413, "body_too_large", f"The body is larger than {MAX_JSON_BYTES} bytes."
    ),
    errors.Unauthenticated: ErrorRow(401, "unauthenticated", _SIGN_IN, headers=_invalid_token),
    exceptions.NoAccessToken: ErrorRow(
        401, "unauthenticated", _SIGN_IN, headers=lambda _: {"WWW-Authenticate": "Bearer"}
    ),
    errors.TooManyRequests: ErrorRow(
        429,
        "rate_limited",
        "Too many requests. Wait before you send the next one.",
        example=partial(errors.TooManyRequests, retry_after=15),
    ),
    exceptions.PathNotFound: ErrorRow(
        404, "not_found", "There is nothing at this path. The API is described at /docs."
    ),
    exceptions.NoIssuerMetadata: ErrorRow(
        404,
        "no_issuer_metadata",
        "No issuer metadata: the issuer of access tokens is not the URL of this service. The keys "
        "are at /.well-known/jwks.json.",
    ),
    exceptions.MethodNotAllowed: ErrorRow(
        405,
        "method_not_allowed",
        "This path does not support this method.",
        example=partial(exceptions.MethodNotAllowed, allowed="POST"),
        headers=lambda error: {"Allow": error.allowed},
    ),
    errors.Unavailable: ErrorRow(
        503,
        "unavailable",
        "The service is temporarily unavailable. Try again shortly.",
    ),
    exceptions.Overloaded: ErrorRow(
        503,
        "overloaded",
        "The service has too many requests at the moment. Try again shortly.",
    ),
    exceptions.InternalError: ErrorRow(500, "internal_error", "An internal error occurred."),
    # One-time codes
    errors.TooManyOtpRequests: ErrorRow(
        429,
        "rate_limited",
        "Too many codes were requested. Wait before you request another one.",
        example=partial(errors.TooManyOtpRequests, retry_after=15),
    ),
    errors.TooManyAttempts: ErrorRow(
        429,
        "too_many_attempts",
        "Too many attempts with this code. Request a new code.",
        example=partial(errors.TooManyAttempts, retry_after=285, resend_in=15),
        attributes=("resend_in",),
    ),
    errors.TooManyAttemptsFromIp: ErrorRow(
        429,
        "too_many_attempts",
        "Too many attempts from your network. Wait before you try again.",
        example=partial(errors.TooManyAttemptsFromIp, retry_after=285, resend_in=15),
        attributes=("resend_in",),
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
        example=partial(errors.DeliveryFailed, retry_after=15),
    ),
    # Only the legacy `verify-otp` has it: in the main one a wrong code is no error.
    errors.IncorrectOtp: ErrorRow(
        403,
        "invalid_otp",
        "Invalid OTP",
        example=partial(errors.IncorrectOtp, "otp", attempts_left=4),
        attributes=("field", "attempts_left"),
    ),
    # Sessions
    errors.InvalidRefreshToken: ErrorRow(
        401,
        "unauthenticated",
        "This refresh token is no longer valid. Sign in again.",
        headers=_invalid_token,
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
        example=partial(errors.PhoneInUse, "6561a2b0c3d4e5f60718293a", "Rahul Sharma"),
        attributes=("user_id", "username"),
    ),
    errors.AccountBlocked: ErrorRow(403, "account_blocked", "This account is blocked."),
    errors.LoginRejected: ErrorRow(403, "login_rejected", "This account cannot sign in."),
    errors.UsernameInUse: ErrorRow(409, "username_in_use", "Username already in use"),
    errors.ExternalIdInUse: ErrorRow(409, "external_id_in_use", "External id already in use"),
    exceptions.InvalidUserId: ErrorRow(
        400, FieldErrorCode.INVALID_ID, "Invalid user id", field="user_id", keeps_error=True
    ),
    errors.UserNotFound: ErrorRow(404, "user_not_found", "User not found"),
    exceptions.UserSaveFailed: ErrorRow(
        500, "storage_failed", "User creation failed", retry_after=RETRY_AFTER
    ),
    exceptions.PreconditionFailed: ErrorRow(
        412, "precondition_failed", "The file is not the one that the request names."
    ),
    exceptions.RangeNotSatisfiable: ErrorRow(
        416,
        "range_not_satisfiable",
        "The range begins after the end of the file.",
        headers=lambda error: {"Content-Range": f"bytes */{error.size}"},
    ),
    # What only some users may do
    errors.Forbidden: ErrorRow(403, "forbidden", "Only the owner or an administrator may do this."),
    errors.ReauthenticationRequired: ErrorRow(
        403,
        "reauthentication_required",
        "Sign in again with a code. Staff can act for others for one day after that.",
    ),
    errors.PasskeyRequired: ErrorRow(
        403,
        "passkey_required",
        "This needs a session of the console: sign in at /console with your passkey. Programs use a"
        " service token.",
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
        example=partial(errors.InsufficientScope, "users:read"),
        attributes=("scope",),
        headers=_no_scope,
    ),
    errors.AuditFailed: ErrorRow(
        503,
        "audit_failed",
        "The audit entry could not be written, so nothing was done. Try again shortly.",
    ),
    errors.PhoneBlocked: ErrorRow(
        409, "phone_blocked", "This phone is blocked, so nothing was done. Unblock it first."
    ),
    errors.LimitsResetBefore: ErrorRow(
        409,
        "limits_reset_before",
        "The limits of this phone were reset just before, so nothing was done now.",
    ),
    errors.TooManyResets: ErrorRow(
        429,
        "rate_limited",
        f"{LIMITS_RESET_TWICE} Wait before the next reset.",
        example=partial(errors.TooManyResets, retry_after=3600),
    ),
    errors.TooManyActs: ErrorRow(
        429,
        "rate_limited",
        "Too many acts for others. Limits: people 60 an hour and 300 a day, service tokens 600 and "
        "3,000; media, and app data for tokens, have others, commands none.",
        example=partial(errors.TooManyActs, retry_after=600),
    ),
    errors.TooManyReads: ErrorRow(
        503,
        "unavailable",
        "Too many files are being read. Wait until one has arrived, and try again.",
        is_of_client=True,
    ),
}
CORE_TABLE: Final = ErrorTable(CORE_ERRORS)
"""Errors of the core, without those of features. Invalid values are among them."""

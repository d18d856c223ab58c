"""The error table is complete and agrees with the contract."""

from collections.abc import Iterator

import pytest

from domain import errors
from domain.errors import DomainError
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.exceptions import HttpError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.table import (
    ERRORS,
    Api,
    ApiError,
    api_of,
    error_body,
    error_headers,
    error_status,
)

NEVER_RAISED = {errors.RateLimitExceeded}
CODES = {
    "invalid", "unauthenticated", "not_found", "method_not_allowed", "body_too_large",
    "request_timeout", "call_not_found", "recording_not_found",
    "rate_limited", "too_many_attempts", "country_not_served", "phone_unreachable",
    "delivery_failed", "phone_mismatch", "phone_in_use", "username_in_use", "forbidden",
    "reauthentication_required",
    "user_not_found", "item_not_found", "session_not_found", "file_too_large",
    "unsupported_image_type", "invalid_image", "storage_failed", "no_file_part",
    "page_too_deep", "invalid_host", "origin_not_allowed", "unsupported_media_type",
    "no_selected_file", "missing_user_id", "invalid_id", "too_many_uploads", "unavailable",
    "internal_error",
}  # fmt: skip


def subclasses(base: type[ApiError]) -> Iterator[type[ApiError]]:
    for error in base.__subclasses__():
        if error not in NEVER_RAISED:
            yield error
        yield from subclasses(error)


def test_every_error_has_a_row_and_every_row_an_error() -> None:
    assert set(ERRORS) == {*subclasses(DomainError), *subclasses(HttpError)}


def test_the_codes_are_those_of_the_glossary_and_of_fields() -> None:
    main, of_fields = set(), set()
    for error, row in ERRORS.items():
        is_value = issubclass(error, errors.InvalidValue)
        if is_value or row.field is not None:
            of_fields.add(row.code)
        if not is_value and error is not exceptions.InvalidOtp:
            main.add(row.code)
    assert main == CODES
    assert of_fields <= set(FieldErrorCode)


def test_only_a_missing_token_has_no_error_code() -> None:
    header = "WWW-Authenticate"
    assert error_headers(exceptions.NoAccessToken()) == {header: "Bearer"}
    for error in (errors.Unauthenticated(), errors.InvalidRefreshToken()):
        assert error_headers(error) == {header: 'Bearer error="invalid_token"'}


def test_an_invalid_image_names_its_reason_and_limit() -> None:
    body = error_body(errors.InvalidImage(), Api.MAIN)
    assert (body["code"], body["reason"], "limit" in body) == ("invalid_image", "broken", False)
    reason = errors.InvalidImageReason.TOO_MANY_FRAMES
    body = error_body(errors.InvalidImage("Too many.", reason, 500), Api.MAIN)
    assert (body["reason"], body["limit"]) == ("too_many_frames", 500)
    assert "10000" in error_body(exceptions.FileTooLarge(10_000), Api.MAIN)["error"]


def test_errors_of_one_field_name_it() -> None:
    named = {error: row.field for error, row in ERRORS.items() if row.field is not None}
    assert named == {
        errors.CountryNotServed: "phone",
        errors.PhoneUnreachable: "phone",
        exceptions.PageTooDeep: "page",
        exceptions.NoFilePart: "file",
        exceptions.NoSelectedFile: "file",
        exceptions.MissingUserId: "user_id",
        exceptions.InvalidUserId: "user_id",
        exceptions.InvalidItemId: "item_id",
    }
    assert error_body(errors.PhoneUnreachable("A landline."), Api.MAIN) == {
        "errors": {"phone": ["A landline."]},
        "code": "invalid",
        "field_errors": [{"field": "phone", "code": "phone_unreachable", "message": "A landline."}],
    }


@pytest.mark.parametrize(
    ("error", "status", "seconds"),
    [
        (errors.TooManyOtpRequests(retry_after=12), 429, 12),
        (errors.Unavailable(), 503, 5),
        (errors.DeliveryFailed(), 503, 5),
        (exceptions.TooManyReads(), 503, 5),
    ],
)
def test_a_limit_or_an_unavailable_part_has_retry_after_in_header_and_body(
    error: ApiError, status: int, seconds: int
) -> None:
    assert error_headers(error) == {"Retry-After": str(seconds)}
    assert error_body(error, Api.MAIN)["retry_after"] == seconds
    assert error_status(error, Api.MAIN) == status


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (errors.UserSaveFailed(), 500, "User creation failed"),
        (errors.MediaStorageFailed(), 500, "Failed to upload file to S3"),
        (errors.ItemSaveFailed(), 500, "Failed to save library item"),
        (errors.LibraryReadFailed(), 500, "Failed to fetch library items"),
        (errors.UserNotFound(), 404, "User not found"),
        # A message of its own replaces the message of the class.
        (errors.InvalidImage("The image is large."), 422, "The image is large."),
    ],
)
def test_errors_have_the_messages_of_the_contract(
    error: ApiError, status: int, message: str
) -> None:
    assert error_body(error, Api.MAIN)["error"] == message
    assert error_status(error, Api.MAIN) == status


FORBIDDEN = "permission denied/ 403 Forbidden: "
BAD_REQUEST = "Bad Request/ Data format incorrect "
INTERNAL = "Internal server error 500 Internal Server Error: "
WRONG_PHONE = exceptions.FieldError("phone", FieldErrorCode.INVALID_PHONE, "Wrong.")


@pytest.mark.parametrize(
    ("error", "status", "exit_code", "text"),
    [
        (exceptions.InvalidOtp(), 403, 1, f"{FORBIDDEN}Invalid OTP or Validation failed "),
        (exceptions.OriginNotAllowed("No."), 403, 1, f"{FORBIDDEN}No."),
        (
            exceptions.InvalidFields(WRONG_PHONE),
            400, 4, f"{BAD_REQUEST}400 Bad Request: phone: Wrong.",
        ),
        (
            exceptions.RequestTimeout(),
            408, 4,
            f"{BAD_REQUEST}408 Request Timeout: "
            "The body did not arrive in time. Send the request again.",
        ),
        (
            exceptions.UnsupportedMediaType("No."),
            415, 4, f"{BAD_REQUEST}415 Unsupported Media Type: No.",
        ),
        (
            exceptions.MethodNotAllowed("POST"),
            405, 1, "Method not allowed 405 Method Not Allowed: Only POST methods are allowed",
        ),
        (
            errors.DeliveryFailed("no provider"),
            500, 5, f"{INTERNAL}unable to connect to message server :- no provider",
        ),
        (errors.Unavailable("Away."), 500, 5, f"{INTERNAL}Away."),
    ],
)  # fmt: skip
def test_the_legacy_api_has_the_exact_texts_of_the_contract(
    error: ApiError, status: int, exit_code: int, text: str
) -> None:
    assert error_body(error, Api.LEGACY) == {
        "error": text,
        "exit_code": exit_code,
        "message": "failed",
        "status_code": status,
    }


def test_phone_in_use_names_only_the_callers_own_user() -> None:
    assert error_body(errors.PhoneInUse(), Api.MAIN) == {
        "error": "Phone number already in use",
        "code": "phone_in_use",
    }
    own = error_body(errors.PhoneInUse("id", "name"), Api.MAIN)
    assert (own["user_id"], own["username"]) == ("id", "name")


@pytest.mark.parametrize(
    ("path", "api"),
    [
        ("/authenticate", Api.LEGACY), ("/authenticate/get_otp", Api.LEGACY),
        ("//authenticate//x", Api.LEGACY), ("/authenticated", Api.MAIN),
        ("/auth/authenticate", Api.MAIN), ("/", Api.MAIN),
    ],
)  # fmt: skip
def test_the_api_is_chosen_by_whole_path_segments(path: str, api: Api) -> None:
    assert api_of(path) is api

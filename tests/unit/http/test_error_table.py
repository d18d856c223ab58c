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


def test_the_codes_are_those_of_the_glossary() -> None:
    main = {
        row.code
        for error, row in ERRORS.items()
        if error is not exceptions.InvalidOtp and not issubclass(error, errors.InvalidValue)
    }
    assert main == CODES


def test_the_rows_of_invalid_values_and_fields_have_codes_of_fields() -> None:
    codes = {
        row.code
        for error, row in ERRORS.items()
        if row.field is not None or issubclass(error, errors.InvalidValue)
    }
    assert codes <= set(FieldErrorCode)


def test_only_a_missing_token_has_no_error_code() -> None:
    header = "WWW-Authenticate"
    assert error_headers(exceptions.NoAccessToken()) == {header: "Bearer"}
    for error in (errors.Unauthenticated(), errors.InvalidRefreshToken()):
        assert error_headers(error) == {header: 'Bearer error="invalid_token"'}


def test_an_invalid_image_names_its_reason_and_limit() -> None:
    assert error_body(errors.InvalidImage(), Api.MAIN) == {
        "error": "The image is broken.",
        "code": "invalid_image",
        "reason": "broken",
    }
    reason = errors.InvalidImageReason.TOO_MANY_FRAMES
    body = error_body(errors.InvalidImage("Too many.", reason, 500), Api.MAIN)
    assert (body["reason"], body["limit"]) == ("too_many_frames", 500)


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


def test_a_rate_limit_has_retry_after_in_header_and_body() -> None:
    error = errors.TooManyOtpRequests(retry_after=12)
    assert error_headers(error) == {"Retry-After": "12"}
    assert error_body(error, Api.MAIN)["retry_after"] == 12
    assert error_status(error, Api.MAIN) == error_status(error, Api.LEGACY) == 429


@pytest.mark.parametrize(
    "error", [errors.Unavailable(), errors.DeliveryFailed(), exceptions.TooManyReads()]
)
def test_an_unavailable_part_has_retry_after_in_header_and_body(error: ApiError) -> None:
    assert error_headers(error) == {"Retry-After": "5"}
    assert error_body(error, Api.MAIN)["retry_after"] == 5
    assert error_status(error, Api.MAIN) == 503


def test_the_message_of_an_error_replaces_the_message_of_its_class() -> None:
    too_many_pixels = errors.InvalidImage("The image has more than 9 pixels.")
    assert error_body(too_many_pixels, Api.MAIN)["error"] == "The image has more than 9 pixels."
    assert "10000" in error_body(exceptions.FileTooLarge(10_000), Api.MAIN)["error"]
    assert error_body(errors.UserNotFound(), Api.MAIN)["error"] == "User not found"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (errors.UserSaveFailed(), "User creation failed"),
        (errors.MediaStorageFailed(), "Failed to upload file to S3"),
        (errors.ItemSaveFailed(), "Failed to save library item"),
        (errors.LibraryReadFailed(), "Failed to fetch library items"),
    ],
)
def test_storage_errors_have_the_messages_of_the_contract(error: ApiError, message: str) -> None:
    assert error_body(error, Api.MAIN)["error"] == message
    assert error_status(error, Api.MAIN) == 500


@pytest.mark.parametrize(
    ("error", "status", "exit_code", "text"),
    [
        (
            exceptions.InvalidOtp(),
            403,
            1,
            "permission denied/ 403 Forbidden: Invalid OTP or Validation failed ",
        ),
        (
            exceptions.InvalidFields(
                exceptions.FieldError("phone", FieldErrorCode.INVALID_PHONE, "Wrong.")
            ),
            400,
            4,
            "Bad Request/ Data format incorrect 400 Bad Request: phone: Wrong.",
        ),
        (
            exceptions.RequestTimeout(),
            408,
            4,
            "Bad Request/ Data format incorrect 408 Request Timeout: "
            "The body did not arrive in time. Send the request again.",
        ),
        (
            errors.DeliveryFailed("no provider"),
            500,
            5,
            "Internal server error 500 Internal Server Error: "
            "unable to connect to message server :- no provider",
        ),
        (
            exceptions.OriginNotAllowed("No."),
            403,
            1,
            "permission denied/ 403 Forbidden: No.",
        ),
        (
            exceptions.UnsupportedMediaType("No."),
            415,
            4,
            "Bad Request/ Data format incorrect 415 Unsupported Media Type: No.",
        ),
        (
            exceptions.MethodNotAllowed("POST"),
            405,
            1,
            "Method not allowed 405 Method Not Allowed: Only POST methods are allowed",
        ),
        (
            errors.Unavailable("Away."),
            500,
            5,
            "Internal server error 500 Internal Server Error: Away.",
        ),
    ],
)
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
        ("/authenticate", Api.LEGACY),
        ("/authenticate/get_otp", Api.LEGACY),
        ("//authenticate//x", Api.LEGACY),
        ("/authenticated", Api.MAIN),
        ("/auth/authenticate", Api.MAIN),
        ("/", Api.MAIN),
    ],
)
def test_the_api_is_chosen_by_whole_path_segments(path: str, api: Api) -> None:
    assert api_of(path) is api

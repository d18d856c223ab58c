"""The error table is complete and agrees with the contract."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain import errors
from domain.errors import DomainError
from domain.features.media import errors as media_errors
from entrypoints.http.app import make_error_table
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.exceptions import HttpError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.table import ApiError
from entrypoints.http.features.media.errors import (
    LibraryReadFailed,
    MediaStorageFailed,
)
from entrypoints.http.requests.middleware import ERROR
from entrypoints.http.responses.errors import RepeatedFailures, to_response
from tests.support.http_settings import make_http_additions, make_http_settings

ERRORS = make_error_table(make_http_additions(make_http_settings()))
NEVER_RAISED = {errors.RateLimitExceeded}


def subclasses(base: type[ApiError]) -> Iterator[type[ApiError]]:
    for error in base.__subclasses__():
        # Tests of extensions have classes of their own.
        if error not in NEVER_RAISED and not error.__module__.startswith("tests."):
            yield error
        yield from subclasses(error)


def test_every_error_has_a_row_and_every_row_an_error() -> None:
    assert set(ERRORS.rows) == {*subclasses(DomainError), *subclasses(HttpError)}


@pytest.mark.parametrize(
    ("error", "status", "message", "seconds"),
    [
        (exceptions.UserSaveFailed(), 500, "User creation failed", 5),
        (MediaStorageFailed(), 500, "Failed to upload file to S3", None),
        (LibraryReadFailed(), 500, "Failed to fetch library items", 5),
        (errors.Unavailable("Away."), 503, "Away.", 5),
        (
            errors.DeliveryFailed(retry_after=15),
            503,
            "The message could not be delivered. Try again shortly.",
            15,
        ),
        # A message of its own replaces the message of the class.
        (media_errors.InvalidImage("The image is large."), 422, "The image is large.", None),
    ],
)
def test_errors_have_the_messages_of_the_contract_and_retry_after_in_header_and_body(
    error: ApiError, status: int, message: str, seconds: int | None
) -> None:
    assert (ERRORS.status(error), ERRORS.body(error)["error"]) == (status, message)
    assert ERRORS.headers(error) == ({"Retry-After": str(seconds)} if seconds else {})
    assert ERRORS.body(error).get("retry_after") == seconds


FORBIDDEN = "permission denied/ 403 Forbidden: "
WRONG_CODE = f"{FORBIDDEN}Invalid OTP or Validation failed "
BAD_REQUEST = "Bad Request/ Data format incorrect "
INTERNAL = "Internal server error 500 Internal Server Error: "
WRONG_PHONE = exceptions.FieldError("phone", FieldErrorCode.INVALID_PHONE, "Wrong.")


@pytest.mark.parametrize(
    ("error", "status", "exit_code", "text"),
    [
        (errors.IncorrectOtp("otp", 4), 403, 1, WRONG_CODE),
        (errors.LoginRejected("You are {banned}."), 403, 1, f"{FORBIDDEN}You are {{banned}}."),
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
            exceptions.MethodNotAllowed("POST"),
            405, 1, "Method not allowed 405 Method Not Allowed: Only POST methods are allowed",
        ),
        (
            errors.DeliveryFailed(),
            500, 5, f"{INTERNAL}unable to connect to message server :- The message could not be"
            " delivered. Try again shortly.",
        ),
    ],
)  # fmt: skip
def test_the_legacy_api_has_the_exact_texts_of_the_contract(
    error: ApiError, status: int, exit_code: int, text: str
) -> None:
    assert ERRORS.of_path("/authenticate/x").body(error) == {
        "error": text,
        "exit_code": exit_code,
        "message": "failed",
        "status_code": status,
    }


# Which responses are logged as errors: those that an operator has to look at


@pytest.mark.parametrize(
    ("error", "events"),
    [
        (exceptions.InternalError(), ["request_failed"]),
        (media_errors.QuotaExceeded(1, 1, 1, 1), []),
        (exceptions.PathNotFound(), []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_client_cannot_fill_the_log_with_errors(error: ApiError, events: list[str]) -> None:
    request: Any = SimpleNamespace(
        scope={"path": "/media/key"}, app=SimpleNamespace(state=SimpleNamespace(errors=ERRORS))
    )
    with capture_logs() as logs:
        to_response(request, error)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == events
    assert request.scope[ERROR] is error  # the line of the request has its code


async def test_a_failure_that_repeats_has_one_line_and_then_their_number() -> None:
    failures = RepeatedFailures()
    with capture_logs() as logs:
        for _ in range(3):
            failures.log("Unavailable", "no answer within 4.5 seconds")
        failures.log("Unavailable", "another reason")
        failures.end_minute(("Unavailable", "no answer within 4.5 seconds"))
        failures.end_minute(("Unavailable", "another reason"))
        failures.log("Unavailable", "another reason")
    shown = [(log["event"], log["reason"], log.get("requests")) for log in logs]
    assert shown == [
        ("request_failed", "no answer within 4.5 seconds", None),
        ("request_failed", "another reason", None),
        ("requests_failed", "no answer within 4.5 seconds", 2),
        ("request_failed", "another reason", None),
    ]

"""The errors table is total, and says what the contract says."""

from collections.abc import Iterator

import pytest

from domain import errors
from domain.errors import DomainError
from entrypoints.http import refusals
from entrypoints.http.error_table import MAIN, OLDER_APP, body_of, headers_of, status_of
from entrypoints.http.families import Family, family_of

# Never raised themselves: only what derives from them is.
ABSTRACT = {errors.RateLimitExceeded}


def every_refusal(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for derived in kind.__subclasses__():
        if derived not in ABSTRACT:
            yield derived
        yield from every_refusal(derived)


@pytest.mark.parametrize("kind", list(every_refusal()), ids=lambda kind: kind.__name__)
def test_every_refusal_has_an_answer_in_every_family(kind: type[DomainError]) -> None:
    assert kind in MAIN
    assert kind in OLDER_APP


def test_nothing_in_the_table_is_without_a_refusal() -> None:
    assert set(MAIN) == set(OLDER_APP) == set(every_refusal())


def test_every_code_of_the_main_family_is_stable_text() -> None:
    assert all(row.code.replace("_", "").islower() for row in MAIN.values())


def test_a_rate_refusal_tells_when_to_come_back_in_header_and_body() -> None:
    error = errors.TooManyOtpRequests(retry_after=12)
    assert headers_of(error) == {"Retry-After": "12"}
    assert body_of(error, Family.MAIN)["retry_after"] == 12
    assert status_of(error, Family.MAIN) == status_of(error, Family.OLDER_APP) == 429


@pytest.mark.parametrize(
    ("error", "status", "exit_code", "told"),
    [
        (
            refusals.WrongCode(),
            403,
            1,
            "permission denied/ 403 Forbidden: Invalid OTP or Validation failed ",
        ),
        (
            errors.InvalidFields({"phone": ["Wrong."]}),
            400,
            4,
            "Bad Request/ Data format incorrect 400 Bad Request: phone: Wrong.",
        ),
        (
            errors.DeliveryFailed("no sender"),
            500,
            5,
            "Internal server error 500 Internal Server Error: "
            "unable to connect to message server :- no sender",
        ),
        (
            refusals.MethodRefused("POST"),
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
def test_the_older_app_is_told_to_the_letter(
    error: DomainError, status: int, exit_code: int, told: str
) -> None:
    assert body_of(error, Family.OLDER_APP) == {
        "error": told,
        "exit_code": exit_code,
        "message": "failed",
        "status_code": status,
    }


def test_the_clash_of_a_phone_names_the_callers_own_user_only() -> None:
    assert body_of(errors.PhoneInUse(), Family.MAIN) == {
        "error": "Phone number already in use",
        "code": "phone_in_use",
    }
    own = body_of(errors.PhoneInUse("id", "name"), Family.MAIN)
    assert (own["user_id"], own["username"]) == ("id", "name")


@pytest.mark.parametrize(
    ("path", "family"),
    [
        ("/authenticate", Family.OLDER_APP),
        ("/authenticate/get_otp", Family.OLDER_APP),
        ("//authenticate//x", Family.OLDER_APP),
        ("/authenticated", Family.MAIN),
        ("/auth/authenticate", Family.MAIN),
        ("/", Family.MAIN),
    ],
)
def test_a_family_goes_by_whole_segments(path: str, family: Family) -> None:
    assert family_of(path) is family

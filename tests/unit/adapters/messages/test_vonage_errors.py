"""What Vonage's errors mean: https://developer.vonage.com/en/api-errors/messages."""

import re

import pytest

from adapters.messages.vonage.client import ApiProblem, UndocumentedResponse, VonageError
from adapters.messages.vonage.error_codes import to_result
from adapters.shared.causes import code_of
from adapters.shared.http import ConnectionFailed, NoResponse
from application.ports.otp import DeliveryStatus

ERRORS = "https://developer.vonage.com/api-errors"
TO, FROM = frozenset({"to"}), frozenset({"from"})
RESULTS: dict[DeliveryStatus, list[Exception]] = {
    DeliveryStatus.NOT_CONNECTED: [ConnectionFailed()],
    DeliveryStatus.UNAVAILABLE: [
        *(
            VonageError(422, code)
            for code in ("1000", "1060", "1070", "1080", "1100", "1110", "1120", "1140", "1160")
        ),
        VonageError(422, "1420"),
        VonageError(422, "1150", FROM),
        VonageError(429, "1000"),
        VonageError(429, "rate-limit"),
        VonageError(429, ""),
        VonageError(401, "unauthorized"),
        VonageError(401, ""),
        VonageError(402, "low-balance"),
        VonageError(400, "low-balance"),
        VonageError(403, "account-suspended"),
        VonageError(403, "a-new-one"),
        VonageError(404, "not-found"),
        # It says that it was not submitted.
        VonageError(503, "1100"),
    ],
    DeliveryStatus.REJECTED: [
        *(VonageError(422, code) for code in ("1010", "1020", "1040", "1090", "1130", "1150")),
        *(VonageError(422, code) for code in ("1210", "1250", "1260", "9999", "invalid-params")),
        VonageError(400, "invalid-json"),
        VonageError(409, ""),
        VonageError(422, "1150", TO | FROM),
        VonageError(422, "1150", frozenset({"text"})),
        VonageError(429, "1210"),
    ],
    DeliveryStatus.INVALID_NUMBER: [
        *(VonageError(422, code) for code in ("1050", "1170", "1190", "1240", "1310", "1430")),
        VonageError(422, "1150", TO),
        VonageError(422, "invalid-params", TO),
    ],
    DeliveryStatus.UNKNOWN: [
        NoResponse(),
        UndocumentedResponse(),
        *(VonageError(status) for status in (302, 400, 401, 403, 422, 429, 500, 502, 504)),
        # There was an error while the platform processed it.
        VonageError(500, "1030"),
        VonageError(503, "1000"),
        VonageError(500, "", TO),
        VonageError(307, "1000"),
    ],
}


@pytest.mark.parametrize(("status", "errors"), RESULTS.items())
def test_an_error_has_a_status_and_a_reason_without_digits_and_names(
    status: DeliveryStatus, errors: list[Exception]
) -> None:
    for error in errors:
        result = to_result(error)
        assert result.status is status, (vars(error), result)
        assert re.fullmatch(r"[A-Z][A-Za-z',; ]+\.", result.reason)
        assert result.error_code == (getattr(error, "code", None) or "")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (VonageError(422, "1240"), "This number has unsubscribed from these messages; "),
        (VonageError(402, "low-balance"), "This service's account with the message service is"),
        (VonageError(504), "The message service does not respond."),
        (VonageError(502), "The message service is unavailable; "),
        (VonageError(302), "The response is not from the message service."),
    ],
)
def test_a_known_error_has_a_reason_that_says_what_to_do(error: VonageError, reason: str) -> None:
    assert to_result(error).reason.startswith(reason)


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (ApiProblem(type=f"{ERRORS}/messages#1150", title="x"), "1150"),
        (ApiProblem(type="https://developer.nexmo.com/api-errors/#low-balance"), "low-balance"),
        # In statuses the title is the number, and the type may be less exact.
        (ApiProblem(type=f"{ERRORS}/messages#rejected", title="1030"), "1030"),
        (ApiProblem(type=f"{ERRORS}/messages#1000", title=1000), "1000"),
        (ApiProblem(title="Unauthorised"), ""),
        (ApiProblem(type=ERRORS), ""),
        (ApiProblem(type="about:blank#+14155550001 <b>"), ""),
        (ApiProblem(), None),
        (ApiProblem(type=7, title=[]), None),
    ],
)
def test_the_type_or_the_title_of_an_error_has_its_code(
    problem: ApiProblem, code: str | None
) -> None:
    assert problem.code == code


@pytest.mark.parametrize("listed", [None, 7, {}, [7], [{"name": 7}], [{}]])
def test_a_list_of_parameters_that_is_not_the_documented_one_is_empty(listed: object) -> None:
    assert ApiProblem(invalid_parameters=listed).parameters == frozenset()


def test_the_cause_in_the_log_has_status_and_code() -> None:
    assert code_of(VonageError(422, "1150")) == "422 1150"
    assert code_of(VonageError(502)) == "502"

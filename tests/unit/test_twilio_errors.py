"""What Twilio's error codes and HTTP statuses mean: https://www.twilio.com/docs/api/errors."""

import re

import pytest

from adapters.twilio.client import TwilioError
from adapters.twilio.error_codes import CALLS, MESSAGES, ErrorReasons
from application.ports.messenger import DeliveryStatus

Cause = tuple[int, int | None]
"""The status and the error code of a response."""


def coded(*codes: int) -> list[Cause]:
    return [(400, code) for code in codes]


UNAVAILABLE: list[Cause] = [(500, None), (502, None), (503, 20503), (504, 20504)]
UNAUTHORIZED: list[Cause] = [(401, None), (403, None), (429, None)]
INVALID_NUMBERS_OF_MESSAGES = coded(
    21211, 21217, 21265, 21266, 21268, 21408, 21610, 21612, 21614, 21635, 30003, 30004, 30005,
    30006, 30450,
)  # fmt: skip
REJECTED_MESSAGES = coded(
    10001, 20003, 20005, 20404, 20429, 21212, 21601, 21602, 21603, 21606, 21608, 21611, 21617,
    21659, 21660, 21661, 21703, 30001, 30002, 30007, 30034, 63038,
)  # fmt: skip
INVALID_NUMBERS_OF_CALLS = coded(
    13223, 13224, 13225, 13227, 21201, 21211, 21214, 21215, 21216, 21217
)
REJECTED_CALLS = coded(10001, 10004, 10005, 20003, 20005, 20429, 21205, 21210, 21212, 21213, 21219)


@pytest.mark.parametrize(
    ("reasons", "status", "causes"),
    [
        (MESSAGES, DeliveryStatus.UNKNOWN, [(504, None)]),
        (MESSAGES, DeliveryStatus.INVALID_NUMBER, INVALID_NUMBERS_OF_MESSAGES),
        (
            MESSAGES,
            DeliveryStatus.REJECTED,
            [*REJECTED_MESSAGES, *UNAUTHORIZED, *UNAVAILABLE, (302, None), (404, None)],
        ),
        (CALLS, DeliveryStatus.UNKNOWN, [(504, None)]),
        (CALLS, DeliveryStatus.INVALID_NUMBER, INVALID_NUMBERS_OF_CALLS),
        (
            CALLS,
            DeliveryStatus.REJECTED,
            [*REJECTED_CALLS, *UNAUTHORIZED, *UNAVAILABLE, (302, None), (400, None)],
        ),
    ],
)
def test_an_error_has_a_status_and_a_reason_without_digits_and_names(
    reasons: ErrorReasons, status: DeliveryStatus, causes: list[Cause]
) -> None:
    for cause in causes:
        result = reasons.result(TwilioError(*cause))
        assert result.status is status, cause
        assert re.fullmatch(r"[A-Z][A-Za-z',; ]+\.", result.reason), cause


@pytest.mark.parametrize(
    ("reasons", "code", "reason"),
    [
        (MESSAGES, 21610, "This number has unsubscribed from these messages; "),
        (MESSAGES, 21408, "Text messages to this number's region are not enabled."),
        (MESSAGES, 21614, "This number cannot get text messages; "),
        (MESSAGES, 20003, "The message service does not accept this service's credentials."),
        (CALLS, 21215, "Calls to this number's region are not enabled."),
        (CALLS, 21210, "The call service does not allow calls from this"),
    ],
)
def test_a_known_error_has_a_reason_that_says_what_to_do(
    reasons: ErrorReasons, code: int, reason: str
) -> None:
    assert reasons.result(TwilioError(400, code)).reason.startswith(reason)


@pytest.mark.parametrize("code", [None, 3, 404, "21610", [], {}])
def test_a_number_below_10000_and_a_text_are_no_error_code(code: object) -> None:
    assert TwilioError(400, code).code is None

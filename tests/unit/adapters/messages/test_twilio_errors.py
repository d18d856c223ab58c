"""What Twilio's error codes and HTTP statuses mean: https://www.twilio.com/docs/api/errors."""

import re

import pytest

from adapters.messages.twilio.client import TwilioError
from adapters.messages.twilio.error_codes import MESSAGES, ErrorReasons
from adapters.messages.twilio.voice.error_codes import CALLS
from adapters.shared.http import ConnectionFailed
from application.ports.otp import DeliveryStatus

# The status and the error code of a response.
UNKNOWN: list[tuple[int, int | None]] = [
    *((status, None) for status in (302, 307, 401, 403, 404, 429, 500, 502, 503, 504)),
    (500, 20500),
    (504, 20504),
]


@pytest.mark.parametrize("reasons", [MESSAGES, CALLS])
def test_an_error_has_a_status_and_a_reason_without_digits_and_names(
    reasons: ErrorReasons,
) -> None:
    rejected: list[tuple[int, int | None]] = [(400, code) for code in (*reasons.rejections, 21999)]
    rejected += [(429, code) for code in reasons.rejections]
    unavailable: list[tuple[int, int | None]] = [(400, code) for code in reasons.account_errors]
    unavailable += [(401, 20003), (402, 21999), (403, 21999), (429, 20429), (503, 20503)]
    for status, causes in (
        (DeliveryStatus.UNKNOWN, UNKNOWN),
        (DeliveryStatus.INVALID_NUMBER, [(400, code) for code in reasons.invalid_numbers]),
        (DeliveryStatus.REJECTED, rejected),
        (DeliveryStatus.UNAVAILABLE, unavailable),
    ):
        for cause in causes:
            result = reasons.result(TwilioError(*cause))
            assert result.status is status, cause
            assert re.fullmatch(r"[A-Z][A-Za-z',; ]+\.", result.reason), cause
    assert reasons.result(ConnectionFailed()).status is DeliveryStatus.NOT_CONNECTED


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

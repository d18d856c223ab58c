"""What Twilio's error codes and HTTP statuses mean: https://www.twilio.com/docs/api/errors."""

import re
from collections.abc import Callable

import pytest

from adapters.twilio.call_errors import placement_result
from adapters.twilio.client import TwilioError
from adapters.twilio.error_codes import delivery_result
from application.ports.call_provider import PlacementResult, PlacementStatus
from application.ports.messenger import DeliveryResult, DeliveryStatus

# Status and error code of a response, by the reason that the client gets.
Errors = dict[str, list[tuple[int, int | None]]]
Result = DeliveryResult | PlacementResult


def coded(*codes: int) -> list[tuple[int, int | None]]:
    return [(400, code) for code in codes]


NO_SUCH_NUMBER = "No phone has this number; check it."
REPLY_START = "reply START to one of them, or use another number."
UNAVAILABLE = [(500, None), (502, None), (503, 20503), (504, 20504)]
UNKNOWN_MESSAGES: Errors = {"The message service does not respond.": [(504, None)]}
INVALID_MESSAGES: Errors = {
    NO_SUCH_NUMBER: coded(21211, 21217, 21265, 21266),
    "This number cannot get text messages; use the number of a mobile phone.": coded(
        21268, 21614, 21635, 30006
    ),
    "Text messages to this number's region are not enabled.": coded(21408),
    f"This number has unsubscribed from these messages; {REPLY_START}": coded(21610),
    "Text messages do not reach this number; use another number.": coded(21612),
    "The phone with this number cannot be reached; switch it on, or use another number.": coded(
        30003
    ),
    "No carrier knows this number; check it, or use another number.": coded(30005),
    "Text messages to this number are blocked; use another number.": coded(30004, 30450),
}
REJECTED_MESSAGES: Errors = {
    "This service's account with the message service is not active.": coded(10001, 20005, 30002),
    "The message service does not accept this service's credentials.": [
        *coded(20003), (401, None), (403, None),
    ],
    "The message service does not know this service's account.": coded(20404),
    "The message service gets too many requests; try again shortly.": [
        *coded(20429, 21611, 30001), (429, None),
    ],
    "The message service does not allow sending from this service's number.": coded(
        21212, 21601, 21603, 21606, 21659, 21660, 21661, 21703
    ),
    "The message service does not accept this text.": coded(21602, 21617),
    "The message service is on trial and sends to verified numbers only.": coded(21608),
    "The message service filtered this message.": coded(30007, 30034),
    "The message service is unavailable; try again shortly.": UNAVAILABLE,
    "The message service rejected the message.": [*coded(63038), (400, None), (404, None)],
    "The response is not from the message service.": [(302, None), (307, None)],
}  # fmt: skip
UNKNOWN_CALLS: Errors = {"The call service did not confirm that it placed the call.": [(504, None)]}
INVALID_CALLS: Errors = {
    NO_SUCH_NUMBER: coded(13223, 21201, 21211, 21217),
    "Calls do not reach this number; use another number.": coded(13224, 21214),
    "Calls to this number are blocked; use another number.": coded(13225, 21216),
    "Calls to this number's region are not enabled.": coded(13227, 21215),
}
REJECTED_CALLS: Errors = {
    "This service's account with the call service is not active.": coded(10001, 10005, 20005),
    "The call service does not accept this service's credentials.": [
        *coded(20003), (401, None), (403, None),
    ],
    "The call service gets too many requests; try again shortly.": [
        *coded(10004, 20429), (429, None),
    ],
    "The call service does not allow calls from this service's number.": coded(21210, 21212, 21213),
    "The call service is on trial and calls verified numbers only.": coded(21219),
    "The call service is unavailable; try again shortly.": UNAVAILABLE,
    "The call service rejected the call.": [*coded(21205), (302, None), (400, None)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("result_of", "status", "errors"),
    [
        (delivery_result, DeliveryStatus.UNKNOWN, UNKNOWN_MESSAGES),
        (delivery_result, DeliveryStatus.INVALID_NUMBER, INVALID_MESSAGES),
        (delivery_result, DeliveryStatus.REJECTED, REJECTED_MESSAGES),
        (placement_result, PlacementStatus.UNKNOWN, UNKNOWN_CALLS),
        (placement_result, PlacementStatus.INVALID_NUMBER, INVALID_CALLS),
        (placement_result, PlacementStatus.REJECTED, REJECTED_CALLS),
    ],
)
def test_an_error_has_a_status_and_a_reason_without_digits_and_names(
    result_of: Callable[[TwilioError], Result],
    status: DeliveryStatus | PlacementStatus,
    errors: Errors,
) -> None:
    for reason, causes in errors.items():
        assert re.fullmatch(r"[A-Z][A-Za-z',; ]+\.", reason)
        for cause in causes:
            result = result_of(TwilioError(*cause))
            assert (result.status, result.reason) == (status, reason), cause


@pytest.mark.parametrize("code", [None, 3, 404, "21610", [], {}])
def test_a_number_below_10000_and_a_text_are_no_error_code(code: object) -> None:
    assert TwilioError(400, code).code is None

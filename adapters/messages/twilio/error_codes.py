"""What a failed request to Twilio means for the delivery.

| response | result | source |
|---|---|---|
| no connection: name, TCP or TLS | not connected | nothing was sent |
| 4xx with an error code below about the number | invalid number | docs/api/errors/<code> |
| 4xx with an error code below about the account, the sender or the rate | unavailable | the same |
| 401, 402, 403 or 429 with any other error code of Twilio | unavailable | RFC 9110 §15.5 |
| 4xx with any other error code of Twilio | rejected | docs/usage/twilios-response |
| 5xx with 20503 (a service is unavailable) | unavailable | docs/api/errors/20503 |
| any other 5xx, with 20500 or without a code | unknown | docs/api/errors/20500, RFC 9110 §15.6 |
| 3xx, or a 4xx without an error code | unknown | it is not Twilio that responds |
| 2xx, status `failed` or `canceled` | as a 4xx with its code | message-resource: not sent |
| 2xx, status `undelivered` | unknown | message-resource: sent, and not delivered |
| 2xx without a SID | unknown | it is not Twilio that responds |
| no response, or no complete one | unknown | RFC 9110 §9.2.2: a POST is not repeated |

The pages are below https://www.twilio.com. Page 20500 says that the message may have been sent.
30007 (filtered) comes with `failed` if Twilio filtered the message, and with `undelivered` if a
carrier did.

A region that is not enabled for the account (13227, 21215, 21408) counts as an invalid number: an
attacker who sends to many countries would otherwise not use up the limit of the IP.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from adapters.messages.twilio.client import TwilioError
from adapters.shared.http import ConnectionFailed, NoResponse
from application.ports.otp import DeliveryResult, DeliveryStatus

# Operators see the reasons. Only those of an invalid number are for the person too: they say what
# to do.
NO_SUCH_NUMBER: Final = "No phone has this number; check it."
_NOT_MOBILE: Final = "This number cannot get text messages; use the number of a mobile phone."
_MESSAGES_BLOCKED: Final = "Text messages to this number are blocked; use another number."

# The braces stand for the name of the service.
_CREDENTIALS: Final = "The {} service does not accept this service's credentials."
INACTIVE: Final = "This service's account with the {} service is not active."
RATE_LIMITED: Final = "The {} service gets too many requests; try again shortly."
_UNAVAILABLE: Final = "The {} service is unavailable; try again shortly."
_NOT_REACHED: Final = "The {} service cannot be reached; try again shortly."
_NOT_TWILIO: Final = "The response is not from the {} service."
_STATUS_REASONS: Final = {
    401: _CREDENTIALS,
    402: INACTIVE,
    403: _CREDENTIALS,
    429: RATE_LIMITED,
}
ACCOUNT_REASONS: Final[Mapping[int | None, str]] = {
    10001: INACTIVE,
    20003: _CREDENTIALS,
    20005: INACTIVE,
    20429: RATE_LIMITED,
}
_NO_SENDING: Final = "The message service does not allow sending from this service's number."
_TEXT: Final = "The message service does not accept this text."
_FILTERED: Final = "The message service filtered this message."


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReasons:
    """The results of failed requests to one of Twilio's services.

    Attributes:
        not_confirmed: The reason after a success without a SID. Twilio returns one for all that it
            accepts: so another server, or something in between, has responded, and whether Twilio
            got the request is unknown.
        account_errors: The reasons of error codes that are about the account, its sender or its
            rate, so that any message would get them.
    """

    service: str
    no_response: str
    not_confirmed: str
    rejected: str
    invalid_numbers: Mapping[int | None, str]
    account_errors: Mapping[int | None, str]
    rejections: Mapping[int | None, str]

    def result(self, error: Exception) -> DeliveryResult:
        if isinstance(error, ConnectionFailed):
            reason = _NOT_REACHED.format(self.service)
            return DeliveryResult(DeliveryStatus.NOT_CONNECTED, reason, details=error.details)
        if not isinstance(error, TwilioError):
            if isinstance(error, NoResponse):
                return DeliveryResult(
                    DeliveryStatus.UNKNOWN, self.no_response, details=error.details
                )
            return DeliveryResult(DeliveryStatus.UNKNOWN, self.not_confirmed)
        code = "" if error.code is None else str(error.code)
        if not error.says_not_sent:
            return DeliveryResult(
                DeliveryStatus.UNKNOWN,
                self.rejection(error),
                error_code=code,
                details=f"HTTP {error.status} of twilio",
            )
        if error.code in self.invalid_numbers:
            reason = self.invalid_numbers[error.code]
            return DeliveryResult(DeliveryStatus.INVALID_NUMBER, reason, error_code=code)
        is_of_account = (
            error.code in self.account_errors
            or error.status >= 500
            or (error.status in _STATUS_REASONS and error.code not in self.rejections)
        )
        status = DeliveryStatus.UNAVAILABLE if is_of_account else DeliveryStatus.REJECTED
        return DeliveryResult(status, self.rejection(error), error_code=code)

    def find_reason(self, code: str) -> str:
        """Return what an error code of a status means; empty for one that has no words."""
        reasons = {**self.account_errors, **self.invalid_numbers, **self.rejections}
        return reasons.get(int(code) if code else None, "").format(self.service)

    def rejection(self, error: TwilioError) -> str:
        """Return why Twilio responded so, without a phone number, an error code or an account."""
        default = self.rejected
        if error.status >= 500:
            default = _UNAVAILABLE
        elif 300 <= error.status < 400:
            default = _NOT_TWILIO
        if error.status == HTTPStatus.GATEWAY_TIMEOUT:
            default = self.no_response
        by_status = _STATUS_REASONS.get(error.status, default)
        reasons = {**self.account_errors, **self.rejections}
        return reasons.get(error.code, by_status).format(self.service)


MESSAGES: Final = ErrorReasons(
    service="message",
    no_response="The message service does not respond.",
    not_confirmed=_NOT_TWILIO.format("message"),
    rejected="The message service rejected the message.",
    invalid_numbers={
        21211: NO_SUCH_NUMBER,
        21217: NO_SUCH_NUMBER,
        21265: NO_SUCH_NUMBER,  # a short code
        21266: NO_SUCH_NUMBER,  # the number that the service sends from
        21268: _NOT_MOBILE,  # a premium or information service
        21408: "Text messages to this number's region are not enabled.",
        # Another provider would ignore the decision of the person. START is a keyword that
        # reverses STOP: https://help.twilio.com/articles/223134027
        21610: "This number has unsubscribed from these messages; reply START to one of them, or"
        " use another number.",
        21614: _NOT_MOBILE,
        21635: _NOT_MOBILE,  # a landline
        30003: "The phone with this number cannot be reached; switch it on, or use another number.",
        30004: _MESSAGES_BLOCKED,
        30005: "No carrier knows this number; check it, or use another number.",
        30006: _NOT_MOBILE,
        30450: _MESSAGES_BLOCKED,  # SMS pumping: another provider would charge for it
    },
    account_errors={
        **ACCOUNT_REASONS,
        20404: "The message service does not know this service's account.",
        21212: _NO_SENDING,
        21601: _NO_SENDING,
        21603: _NO_SENDING,
        21606: _NO_SENDING,
        21608: "The message service is on trial and sends to verified numbers only.",
        21611: RATE_LIMITED,
        21659: _NO_SENDING,
        21660: _NO_SENDING,
        21661: _NO_SENDING,
        21703: _NO_SENDING,
        30001: RATE_LIMITED,
        30002: INACTIVE,
        30022: RATE_LIMITED,
        30023: RATE_LIMITED,
        30034: _FILTERED,  # the sender is not registered
        30454: RATE_LIMITED,
        63038: RATE_LIMITED,
    },
    rejections={
        21602: _TEXT,
        # This pair of numbers has no route; another provider may have one.
        21612: "The message service does not reach this number; use another number.",
        21617: _TEXT,
        30007: _FILTERED,
        30008: "The carrier did not deliver it, and gave no reason.",
        30410: "The carrier did not answer in time.",
    },
)

"""The meaning of Twilio's error codes: https://www.twilio.com/docs/api/errors.

- `INVALID_NUMBER`: no provider should be tried for this number.
- `REJECTED`: every other error. It is between Twilio and the operator, and another provider may
  accept the message: for example a number that the account may not send from (21601, 21606).

A region that is not enabled for the account (21408) counts as an invalid number: who sends to many
countries at an operator's expense would otherwise not use up the limit of the IP.
"""

from typing import Final

from adapters.twilio.client import TwilioError
from application.ports.messenger import DeliveryResult, DeliveryStatus

ACCEPTED: Final = DeliveryResult(DeliveryStatus.ACCEPTED)
NOT_REACHED: Final = DeliveryResult(
    DeliveryStatus.REJECTED, "The message service cannot be reached; try again shortly."
)
NO_RESPONSE: Final = "The message service does not respond."
NOT_TWILIO: Final = "The response is not from the message service."
# Twilio returns a SID for each message that it accepts. Without a SID another server, or something
# in between, has responded: whether Twilio got the message is unknown.
NOT_CONFIRMED: Final = DeliveryResult(DeliveryStatus.UNKNOWN, NOT_TWILIO)
UNKNOWN: Final = DeliveryResult(DeliveryStatus.UNKNOWN, NO_RESPONSE)

# Clients see these reasons; each says what the person can do.
_NO_SUCH_NUMBER: Final = "No phone has this number; check it."
_NOT_MOBILE: Final = "This number cannot get text messages; use the number of a mobile phone."
_UNDELIVERABLE: Final = "Text messages do not reach this number; use another number."
_UNREACHABLE: Final = (
    "The phone with this number cannot be reached; switch it on, or use another number."
)
_UNKNOWN_NUMBER: Final = "No carrier knows this number; check it, or use another number."
# https://help.twilio.com/articles/223134027: START is a keyword that reverses STOP.
_UNSUBSCRIBED: Final = (
    "This number has unsubscribed from these messages; reply START to one of them, or use"
    " another number."
)
_REGION: Final = "Text messages to this number's region are not enabled."
_BLOCKED: Final = "Text messages to this number are blocked; use another number."
_INVALID_NUMBER_REASONS: Final = {
    21211: _NO_SUCH_NUMBER,
    21217: _NO_SUCH_NUMBER,
    21265: _NO_SUCH_NUMBER,  # a short code
    21266: _NO_SUCH_NUMBER,  # the number that the service sends from
    21268: _NOT_MOBILE,  # a premium or information service
    21408: _REGION,
    21610: _UNSUBSCRIBED,  # another provider would ignore the decision of the person
    21612: _UNDELIVERABLE,
    21614: _NOT_MOBILE,
    21635: _NOT_MOBILE,  # a landline
    30003: _UNREACHABLE,
    30004: _BLOCKED,
    30005: _UNKNOWN_NUMBER,
    30006: _NOT_MOBILE,
    30450: _BLOCKED,  # SMS pumping: another provider would charge for it
}

_CREDENTIALS: Final = "The message service does not accept this service's credentials."
INACTIVE: Final = "This service's account with the message service is not active."
_NO_ACCOUNT: Final = "The message service does not know this service's account."
_RATE_LIMITED: Final = "The message service gets too many requests; try again shortly."
_ORIGIN: Final = "The message service does not allow sending from this service's number."
_TRIAL: Final = "The message service is on trial and sends to verified numbers only."
_TEXT: Final = "The message service does not accept this text."
_FILTERED: Final = "The message service filtered this message."
_REJECTED_REASONS: Final = {
    10001: INACTIVE,
    20003: _CREDENTIALS,
    20005: INACTIVE,
    20404: _NO_ACCOUNT,
    20429: _RATE_LIMITED,
    21212: _ORIGIN,
    21601: _ORIGIN,
    21602: _TEXT,
    21603: _ORIGIN,
    21606: _ORIGIN,
    21608: _TRIAL,
    21611: _RATE_LIMITED,
    21617: _TEXT,
    21659: _ORIGIN,
    21660: _ORIGIN,
    21661: _ORIGIN,
    21703: _ORIGIN,
    30001: _RATE_LIMITED,
    30002: INACTIVE,
    30007: _FILTERED,
    30034: _FILTERED,
}
_STATUS_REASONS: Final = {401: _CREDENTIALS, 403: _CREDENTIALS, 429: _RATE_LIMITED}
_UNAVAILABLE: Final = "The message service is unavailable; try again shortly."
_REJECTED: Final = "The message service rejected the message."
_GATEWAY_TIMEOUT: Final = 504


def delivery_result(error: TwilioError) -> DeliveryResult:
    """Return the result of a message that Twilio rejected."""
    if error.code in _INVALID_NUMBER_REASONS:
        return DeliveryResult(DeliveryStatus.INVALID_NUMBER, _INVALID_NUMBER_REASONS[error.code])
    # RFC 9110, section 15.6.5: a gateway got no response, so Twilio may have the message.
    if error.status == _GATEWAY_TIMEOUT and error.code is None:
        return UNKNOWN
    return DeliveryResult(DeliveryStatus.REJECTED, error_reason(error))


def error_reason(error: TwilioError) -> str:
    """Return the reason without a phone number, an error code or the name of an account."""
    if error.code in _REJECTED_REASONS:
        return _REJECTED_REASONS[error.code]
    if error.status in _STATUS_REASONS:
        return _STATUS_REASONS[error.status]
    if error.status >= 500:
        return _UNAVAILABLE
    return NOT_TWILIO if 300 <= error.status < 400 else _REJECTED

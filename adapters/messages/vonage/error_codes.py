"""What a failed request to Vonage means for the delivery.

| response | result | source |
|---|---|---|
| no connection: name, TCP or TLS | not connected | nothing was sent |
| 4xx with a code below about the number, or 422 about `to` | invalid number | api-errors/messages |
| 4xx with a code below about the account, its credit, its sender or its rate, or 422 about `from` |
  unavailable | the same, and api-errors |
| 401, 402, 403 or 429 with any other code of Vonage | unavailable | RFC 9110 §15.5 |
| 4xx with any other code of Vonage | rejected | the same |
| 1100 (not submitted, because of a communication failure), whatever the status | unavailable |
  api-errors/messages |
| any other 5xx | unknown | RFC 9110 §15.6: the message may have been sent |
| 3xx, or a 4xx without an error of Vonage's own | unknown | it is not Vonage that responds |
| 2xx without a `message_uuid` | unknown | the same |
| no response, or no complete one | unknown | RFC 9110 §9.2.2: a POST is not repeated |

The pages are below https://developer.vonage.com/en. The Messages API's page describes the numbers
of errors, which come in responses (the end of `type`) and in statuses (also the `title`); most
errors about a phone come in statuses only. 1420 and 1430 (the sender, the recipient is invalid for
the channel) were read in code of others.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from adapters.messages.vonage.client import VonageError
from adapters.shared.http import ConnectionFailed, NoResponse
from application.ports.otp import DeliveryResult, DeliveryStatus

# Operators see the reasons. Only those of an invalid number are for the person too: they say what
# to do.
_NO_SUCH_NUMBER: Final = "No phone has this number; check it."
_NOT_MOBILE: Final = "This number cannot get text messages; use the number of a mobile phone."
_MESSAGES_BLOCKED: Final = "Text messages to this number are blocked; use another number."

INVALID_NUMBERS: Final[Mapping[str | None, str]] = {
    "1050": _MESSAGES_BLOCKED,
    "1170": _NO_SUCH_NUMBER,
    "1180": "The phone with this number cannot be reached; switch it on, or use another number.",
    "1190": _NO_SUCH_NUMBER,
    # Another provider would ignore the decision of the person.
    "1240": "This number has unsubscribed from these messages; use another number.",
    "1280": _MESSAGES_BLOCKED,
    "1310": _NOT_MOBILE,
    "1430": _NO_SUCH_NUMBER,
}
UNREACHABLE: Final = frozenset({"1170", "1190", "1310", "1430"})
"""The errors after which no later SMS would reach the number: it does not exist, is no longer
active, or its device gets no SMS. They leave out phones that are switched off, blocked numbers and
carriers without a route.
"""

_CREDENTIALS: Final = "The message service does not accept this service's credentials."
_INACTIVE: Final = "This service's account with the message service is not active."
_RATE_LIMITED: Final = "The message service gets too many requests; try again shortly."
_UNAVAILABLE: Final = "The message service is unavailable; try again shortly."
_NO_SENDING: Final = "The message service does not allow sending from this service's number."
_TEXT: Final = "The message service does not accept this text."
_FILTERED: Final = "The message service filtered this message."
_REJECTED: Final = "The message service rejected the message."
_NOT_REACHED: Final = "The message service cannot be reached; try again shortly."
_NOT_VONAGE: Final = "The response is not from the message service."
NO_RESPONSE: Final = "The message service does not respond."

_NOT_SUBMITTED: Final = "1100"
_ACCOUNT_ERRORS: Final[Mapping[str | None, str]] = {
    "1000": _RATE_LIMITED,
    "1060": _INACTIVE,
    "1070": _INACTIVE,
    "1080": _NO_SENDING,
    _NOT_SUBMITTED: _UNAVAILABLE,
    "1110": _CREDENTIALS,
    "1120": _NO_SENDING,
    "1140": _NO_SENDING,
    "1160": "The message service is on trial and sends to verified numbers only.",
    "1420": _NO_SENDING,
    # https://developer.vonage.com/en/api-errors
    "account-suspended": _INACTIVE,
    "forbidden": _CREDENTIALS,
    "invalid-api-key": _CREDENTIALS,
    "invalid-signature": _CREDENTIALS,
    "jwt-expired": _CREDENTIALS,
    "jwt-revoked": _CREDENTIALS,
    "low-balance": _INACTIVE,
    "not-found": "The message service does not know this service's account.",
    "rate-limit": _RATE_LIMITED,
    "unauthorized": _CREDENTIALS,
    "unprovisioned": _NO_SENDING,
}
_ACCOUNT_STATUSES: Final = {
    HTTPStatus.UNAUTHORIZED: _CREDENTIALS,
    HTTPStatus.PAYMENT_REQUIRED: _INACTIVE,
    HTTPStatus.FORBIDDEN: _CREDENTIALS,
    HTTPStatus.TOO_MANY_REQUESTS: _RATE_LIMITED,
}
_REJECTIONS: Final[Mapping[str | None, str]] = {
    "1090": _TEXT,
    "1210": _FILTERED,
    "1270": _FILTERED,
}


def find_reason(code: str) -> str:
    """Return what an error code of a status means; empty for one that has no words."""
    return {**_ACCOUNT_ERRORS, **INVALID_NUMBERS, **_REJECTIONS}.get(code, "")


def to_result(error: Exception) -> DeliveryResult:
    """Return the result of a request that raised an error of `VonageClient`."""
    if isinstance(error, ConnectionFailed):
        status = DeliveryStatus.NOT_CONNECTED
        return DeliveryResult(status, _NOT_REACHED, details=error.details)
    if isinstance(error, NoResponse):
        return DeliveryResult(DeliveryStatus.UNKNOWN, NO_RESPONSE, details=error.details)
    if not isinstance(error, VonageError):
        return DeliveryResult(DeliveryStatus.UNKNOWN, _NOT_VONAGE)
    status, reason = _classify(error)
    details = f"HTTP {error.status} of vonage" if status is DeliveryStatus.UNKNOWN else ""
    return DeliveryResult(status, reason, error_code=error.code or "", details=details)


def _classify(error: VonageError) -> tuple[DeliveryStatus, str]:
    if error.code is None or (error.status >= 500 and error.code != _NOT_SUBMITTED):
        return DeliveryStatus.UNKNOWN, _reason_of_unknown(error.status)
    if error.status < 400:
        return DeliveryStatus.UNKNOWN, _NOT_VONAGE
    if error.code in INVALID_NUMBERS:
        return DeliveryStatus.INVALID_NUMBER, INVALID_NUMBERS[error.code]
    if error.code in _ACCOUNT_ERRORS:
        return DeliveryStatus.UNAVAILABLE, _ACCOUNT_ERRORS[error.code]
    # Several parameters that are invalid say that the whole request is.
    if error.parameters == {"to"}:
        return DeliveryStatus.INVALID_NUMBER, _NO_SUCH_NUMBER
    if error.parameters == {"from"}:
        return DeliveryStatus.UNAVAILABLE, _NO_SENDING
    by_status = {int(status): reason for status, reason in _ACCOUNT_STATUSES.items()}
    if error.status in by_status and error.code not in _REJECTIONS:
        return DeliveryStatus.UNAVAILABLE, by_status[error.status]
    return DeliveryStatus.REJECTED, _REJECTIONS.get(error.code, _REJECTED)


def _reason_of_unknown(status: int) -> str:
    if status == HTTPStatus.GATEWAY_TIMEOUT:
        return NO_RESPONSE
    return _UNAVAILABLE if status >= 500 else _NOT_VONAGE

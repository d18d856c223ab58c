"""What a failed request to Meta's Cloud API, or a message that failed, means for the delivery.

| response | result | source |
|---|---|---|
| no connection: name, TCP or TLS | not connected | nothing was sent |
| a code below about the number | invalid number: WhatsApp does not reach it | support/error-codes |
| a code below about the account, the template or the rate | unavailable | the same |
| a code below that may come after sending | unknown | "unknown error", "possible server error" |
| 401, 403 or 429 with any other code | unavailable | RFC 9110 §15.5, RFC 6585 §4 |
| another 4xx with any other code | rejected | RFC 9110 §15.5 |
| 5xx with any other code | unknown | RFC 9110 §15.6 |
| 3xx, or any status without a code | unknown | it is not Meta that responds |
| 2xx without the id of a message | unknown | it is not Meta that responds |
| no response, or no complete one | unknown | RFC 9110 §9.2.2: a POST is not repeated |

The page is below https://developers.facebook.com/documentation/business-messaging/whatsapp. It says
that errors are told apart by `code`, and neither by the HTTP status nor by titles. `details` are
for operators.

What concerns only the business and a country (130497, 130403) says nothing of the number: it is
rejected, and not taken for a number without WhatsApp.
"""

import re
from collections.abc import Mapping
from typing import Final

from adapters.messages.whatsapp_cloud.client import CloudApiError
from adapters.shared.http import ConnectionFailed, NoResponse
from application.ports.otp import DeliveryResult, DeliveryStatus

# Operators see the reasons. Only that of an invalid number is for the person too.
_NOT_REACHED: Final = "The WhatsApp service cannot be reached; try again shortly."
NO_RESPONSE: Final = "The WhatsApp service does not respond."
_NOT_META: Final = "The response is not from the WhatsApp service."
_FAILED: Final = "The WhatsApp service failed; try again shortly."
_REJECTED: Final = "The WhatsApp service rejected the message."
ONLY_CODES: Final = "WhatsApp carries codes for sign-ins and verifications only."

_NO_WHATSAPP: Final = "WhatsApp does not reach this number; ask for a text message."
_CREDENTIALS: Final = "The WhatsApp service does not accept this service's credentials."
_RESTRICTED: Final = "This service's WhatsApp account is restricted."
_UNPAID: Final = "This service's WhatsApp account has a problem with its payment method."
_NO_SENDER: Final = "This service's number is not registered for sending by WhatsApp."
_TRIAL: Final = "This service's WhatsApp number is on trial and sends to its test numbers only."
_NO_TEMPLATE: Final = "The WhatsApp service does not have this service's template of the message."
_TEMPLATE: Final = "The WhatsApp service does not accept this service's template of the message."
_PAUSED: Final = "The WhatsApp service paused this service's template of the message."
_RATE_LIMITED: Final = "The WhatsApp service gets too many messages; try again shortly."
_MAINTENANCE: Final = "This service's WhatsApp account is in maintenance; try again shortly."
_WITHHELD: Final = "WhatsApp does not deliver this message to this number."

UNREACHABLE: Final[Mapping[int, str]] = {
    131021: _NO_WHATSAPP,  # the number that the message comes from
    131026: _NO_WHATSAPP,  # no WhatsApp, its terms not accepted, or an old version
}
"""The codes that say that WhatsApp cannot reach the number."""

_ACCOUNT: Final[Mapping[int, str]] = {
    0: _CREDENTIALS,
    3: _CREDENTIALS,
    4: _RATE_LIMITED,
    10: _CREDENTIALS,
    33: _NO_SENDER,  # the number was deleted
    190: _CREDENTIALS,
    368: _RESTRICTED,
    80007: _RATE_LIMITED,
    130429: _RATE_LIMITED,
    131005: _CREDENTIALS,
    131030: _TRIAL,
    131031: _RESTRICTED,
    131037: _NO_SENDER,  # its display name is not approved
    131042: _UNPAID,
    131045: _NO_SENDER,
    131048: _RATE_LIMITED,  # too many messages were reported as spam
    131056: _RATE_LIMITED,  # to one number: https://…/whatsapp/about-the-platform, pair rate limits
    131057: _MAINTENANCE,
    131063: _TEMPLATE,  # its category became marketing
    131064: _RESTRICTED,
    132000: _TEMPLATE,
    132001: _NO_TEMPLATE,
    132005: _TEMPLATE,
    132007: _TEMPLATE,
    132012: _TEMPLATE,
    132015: _PAUSED,
    132016: _PAUSED,  # for good
    132018: _TEMPLATE,
    133010: _NO_SENDER,
    134011: _UNPAID,
    **dict.fromkeys(range(200, 300), _CREDENTIALS),
}
"""The codes for which any message would fail, because of the account, its template or its rate."""

_TEMPLATE_CODES: Final = range(132000, 133000)
_OF_SOME: Final = (_RATE_LIMITED, _MAINTENANCE, _TRIAL)
"""The reasons of the account after which some messages are sent, or soon will be."""

_REJECTIONS: Final[Mapping[int, str]] = {
    # An experiment, and limits of marketing and of free texts. No message with a code meets them.
    130472: _WITHHELD,
    131047: _WITHHELD,
    131049: _WITHHELD,
    131050: _WITHHELD,
    130403: _WITHHELD,  # the business has blocked the person
    130497: _WITHHELD,
}

_UNKNOWN: Final = frozenset({1, 2, 131000, 131016, 133004})
"""The codes of a failure of Meta, which may come after the message was sent."""

_STATUS_REASONS: Final = {401: _CREDENTIALS, 403: _CREDENTIALS, 429: _RATE_LIMITED}
_MAX_DETAILS: Final = 200


def to_result(error: Exception) -> DeliveryResult:
    """Return the result of a request that raised one of `REQUEST_ERRORS`."""
    match error:
        case ConnectionFailed(details=details):
            return DeliveryResult(DeliveryStatus.NOT_CONNECTED, _NOT_REACHED, details=details)
        case NoResponse(details=details):
            return DeliveryResult(DeliveryStatus.UNKNOWN, NO_RESPONSE, details=details)
        case CloudApiError(status=status, code=int(code), details=details):
            delivery, reason = _read_code(code, status)
            details = _hide_digits(details)
            if delivery is DeliveryStatus.UNKNOWN:
                details = ": ".join(filter(None, (f"HTTP {status} of meta", details)))
            return DeliveryResult(delivery, reason, error_code=str(code), details=details)
        case CloudApiError(status=status):
            reason = _FAILED if status >= 500 else _NOT_META
            details = f"HTTP {status} of meta"
            return DeliveryResult(DeliveryStatus.UNKNOWN, reason, details=details)
        case _:
            return DeliveryResult(DeliveryStatus.UNKNOWN, _NOT_META)


def find_reason(code: int) -> str:
    """Return what an error code of a status means; empty for one that has no words."""
    reasons = {
        **dict.fromkeys(_TEMPLATE_CODES, _TEMPLATE),
        **_ACCOUNT,
        **UNREACHABLE,
        **_REJECTIONS,
    }
    return reasons.get(code, "")


def why_nobody(code: str) -> str:
    """Return why a code means that no user gets messages by WhatsApp; empty if it does not."""
    if not code.isdecimal():
        return ""
    reason = _ACCOUNT.get(int(code), _TEMPLATE if int(code) in _TEMPLATE_CODES else "")
    return "" if reason in _OF_SOME else reason


def _read_code(code: int, status: int) -> tuple[DeliveryStatus, str]:
    if code in UNREACHABLE:
        return DeliveryStatus.INVALID_NUMBER, UNREACHABLE[code]
    if code in _ACCOUNT:
        return DeliveryStatus.UNAVAILABLE, _ACCOUNT[code]
    if code in _TEMPLATE_CODES:
        return DeliveryStatus.UNAVAILABLE, _TEMPLATE
    if code in _REJECTIONS:
        return DeliveryStatus.REJECTED, _REJECTIONS[code]
    if code in _UNKNOWN or status >= 500:
        return DeliveryStatus.UNKNOWN, _FAILED
    if status < 400:
        return DeliveryStatus.UNKNOWN, _NOT_META
    if status in _STATUS_REASONS:
        return DeliveryStatus.UNAVAILABLE, _STATUS_REASONS[status]
    return DeliveryStatus.REJECTED, _REJECTED


def _hide_digits(details: str) -> str:
    """Return a text that has no phone number and no code: Meta may quote the message."""
    return re.sub(r"\d", "*", details[:_MAX_DETAILS])

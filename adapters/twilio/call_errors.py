"""The meaning of Twilio's error codes for calls: https://www.twilio.com/docs/api/errors.

As for messages, a region that is not enabled counts as an invalid number (see `error_codes`).
"""

from typing import Final

from adapters.twilio.client import TwilioError
from application.ports.call_provider import PlacementResult
from application.ports.messenger import DeliveryStatus

NOT_REACHED: Final = PlacementResult(
    DeliveryStatus.REJECTED, "The call service cannot be reached; try again shortly."
)
UNKNOWN: Final = PlacementResult(
    DeliveryStatus.UNKNOWN, "The call service did not confirm that it placed the call."
)

# Clients see these reasons; each says what the person can do.
_NO_SUCH_NUMBER: Final = "No phone has this number; check it."
_UNREACHABLE: Final = "Calls do not reach this number; use another number."
_REGION: Final = "Calls to this number's region are not enabled."
_BLOCKED: Final = "Calls to this number are blocked; use another number."
_INVALID_NUMBER_REASONS: Final = {
    13223: _NO_SUCH_NUMBER,
    13224: _UNREACHABLE,
    13225: _BLOCKED,
    13227: _REGION,
    21201: _NO_SUCH_NUMBER,
    21211: _NO_SUCH_NUMBER,
    21214: _UNREACHABLE,
    21215: _REGION,
    21216: _BLOCKED,
    21217: _NO_SUCH_NUMBER,
}

_CREDENTIALS: Final = "The call service does not accept this service's credentials."
_INACTIVE: Final = "This service's account with the call service is not active."
_RATE_LIMITED: Final = "The call service gets too many requests; try again shortly."
_ORIGIN: Final = "The call service does not allow calls from this service's number."
_TRIAL: Final = "The call service is on trial and calls verified numbers only."
_REJECTED_REASONS: Final = {
    10001: _INACTIVE,
    10004: _RATE_LIMITED,
    10005: _INACTIVE,
    20003: _CREDENTIALS,
    20005: _INACTIVE,
    20429: _RATE_LIMITED,
    21210: _ORIGIN,
    21212: _ORIGIN,
    21213: _ORIGIN,
    21219: _TRIAL,
}
_STATUS_REASONS: Final = {401: _CREDENTIALS, 403: _CREDENTIALS, 429: _RATE_LIMITED}
_UNAVAILABLE: Final = "The call service is unavailable; try again shortly."
_REJECTED: Final = "The call service rejected the call."
_GATEWAY_TIMEOUT: Final = 504


def placement_result(error: TwilioError) -> PlacementResult:
    """Return the result of a call that Twilio rejected."""
    if error.code in _INVALID_NUMBER_REASONS:
        reason = _INVALID_NUMBER_REASONS[error.code]
        return PlacementResult(DeliveryStatus.INVALID_NUMBER, reason)
    # RFC 9110, section 15.6.5: a gateway got no response, so Twilio may have the call.
    if error.status == _GATEWAY_TIMEOUT and error.code is None:
        return UNKNOWN
    return PlacementResult(DeliveryStatus.REJECTED, _rejected_reason(error))


def _rejected_reason(error: TwilioError) -> str:
    if error.code in _REJECTED_REASONS:
        return _REJECTED_REASONS[error.code]
    if error.status in _STATUS_REASONS:
        return _STATUS_REASONS[error.status]
    return _UNAVAILABLE if error.status >= 500 else _REJECTED

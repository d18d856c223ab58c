"""What Twilio's answers mean for who sends: https://www.twilio.com/docs/api/errors.

A number is bad when no sender should be tried for it. Everything else that Twilio refuses is
between Twilio and the operator, and another sender may do: above all a region that the account
may not send to (21408), and a number to send from that it may not use (21601, 21606).
"""

from typing import Final

from adapters.twilio.client import Refused
from application.ports.messenger import Handover, Outcome

ACCEPTED: Final = Handover(Outcome.ACCEPTED)
NOT_REACHED: Final = Handover(
    Outcome.REFUSED, "The message service cannot be reached; try again shortly."
)
# Also for a success that cannot be read: Twilio names each message that it takes, and what
# names none may be something in its place. It counts as sent, and is not called accepted.
UNKNOWN: Final = Handover(
    Outcome.UNKNOWN, "The message service did not say whether it took the message."
)

# Who asked for a code reads these, and is told what to do about it.
_NO_SUCH_NUMBER: Final = "No phone has this number; check it."
_NO_TEXTS: Final = "This number gets no text messages; use the number of a mobile phone."
_NOT_DELIVERED: Final = "Text messages do not reach this number; use another number."
_OUT_OF_REACH: Final = (
    "The phone with this number is out of reach; switch it on, or use another number."
)
_UNKNOWN_TO_CARRIERS: Final = "No carrier knows this number; check it, or use another number."
# https://help.twilio.com/articles/223134027: the words that each subscriber may answer with.
_UNWANTED: Final = (
    "This number has unsubscribed from these messages; answer START to one of them, or use"
    " another number."
)
_BLOCKED: Final = "Text messages to this number are blocked; use another number."
_BAD_NUMBERS: Final = {
    21211: _NO_SUCH_NUMBER,
    21217: _NO_SUCH_NUMBER,
    21265: _NO_SUCH_NUMBER,  # a short code
    21266: _NO_SUCH_NUMBER,  # the number that we send from
    21268: _NO_TEXTS,  # a premium or information service
    21610: _UNWANTED,  # another sender would go round what the person asked for
    21612: _NOT_DELIVERED,
    21614: _NO_TEXTS,
    21635: _NO_TEXTS,  # a landline
    30003: _OUT_OF_REACH,
    30004: _BLOCKED,
    30005: _UNKNOWN_TO_CARRIERS,
    30006: _NO_TEXTS,
    30450: _BLOCKED,  # SMS pumping: another sender would pay for it
}

_CREDENTIALS: Final = "The message service does not accept this service's credentials."
INACTIVE: Final = "This service's account with the message service is not active."
_NO_ACCOUNT: Final = "The message service does not know this service's account."
_TOO_OFTEN: Final = "The message service is asked too often; try again shortly."
_REGION: Final = "Text messages to this number's region are not enabled."
_SENDER: Final = "The message service does not let this service send from its number."
_TRIAL: Final = "On trial, the message service sends to verified numbers only."
_TEXT: Final = "The message service does not take this text."
_FILTERED: Final = "The message service does not pass this message on."
_REASONS: Final = {
    10001: INACTIVE,
    20003: _CREDENTIALS,
    20005: INACTIVE,
    20404: _NO_ACCOUNT,
    20429: _TOO_OFTEN,
    21212: _SENDER,
    21408: _REGION,
    21601: _SENDER,
    21602: _TEXT,
    21603: _SENDER,
    21606: _SENDER,
    21608: _TRIAL,
    21611: _TOO_OFTEN,
    21617: _TEXT,
    21659: _SENDER,
    21660: _SENDER,
    21661: _SENDER,
    21703: _SENDER,
    30001: _TOO_OFTEN,
    30002: INACTIVE,
    30007: _FILTERED,
    30034: _FILTERED,
}
_BY_STATUS: Final = {401: _CREDENTIALS, 403: _CREDENTIALS, 429: _TOO_OFTEN}
_UNAVAILABLE: Final = "The message service is unavailable; try again shortly."
SOMETHING_ELSE: Final = "What answers in the message service's place is something else."
_REFUSED: Final = "The message service refused the message."
_GATEWAY_TIMEOUT: Final = 504


def outcome_of(refusal: Refused) -> Handover:
    """Sort a refusal."""
    if refusal.code in _BAD_NUMBERS:
        return Handover(Outcome.BAD_NUMBER, _BAD_NUMBERS[refusal.code])
    # RFC 9110 §15.6.5: a gateway's word that no answer came from behind it.
    if refusal.status == _GATEWAY_TIMEOUT and refusal.code is None:
        return UNKNOWN
    return Handover(Outcome.REFUSED, reason_of(refusal))


def reason_of(refusal: Refused) -> str:
    """Say why in words that hold no number, no code and no name of an account."""
    if refusal.code in _REASONS:
        return _REASONS[refusal.code]
    if refusal.status in _BY_STATUS:
        return _BY_STATUS[refusal.status]
    if refusal.status >= 500:
        return _UNAVAILABLE
    return SOMETHING_ELSE if 300 <= refusal.status < 400 else _REFUSED

"""What Twilio refuses by itself, of what it says about it."""

import re
from collections.abc import Mapping
from typing import Final

# https://www.twilio.com/docs/iam/test-credentials: numbers that are refused with a code.
_MESSAGE_TO: Final = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
_MESSAGE_FROM: Final = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
_CALL_TO: Final = {
    "+15005550001": 21217,
    "+15005550002": 21214,
    "+15005550003": 21215,
    "+15005550004": 21216,
}
_CALL_FROM: Final = {"+15005550001": 21212}
_E164: Final = re.compile(r"\+[1-9]\d{6,14}\Z")
_LONGEST: Final = 1600


def code_against_message(form: Mapping[str, str]) -> int | None:
    """The code that a message is refused with, or None."""
    to, sender = form.get("To", ""), form.get("From", "")
    if not to:
        return 21604
    if not sender and not form.get("MessagingServiceSid"):
        return 21603
    if not form.get("Body"):
        return 21602
    if len(form["Body"]) > _LONGEST:
        return 21617
    if code := _MESSAGE_TO.get(to) or _MESSAGE_FROM.get(sender):
        return code
    return None if _E164.match(to) else 21211


def code_against_call(form: Mapping[str, str]) -> int | None:
    """The code that a call is refused with, or None."""
    to, sender = form.get("To", ""), form.get("From", "")
    if not to:
        return 21201
    if not sender:
        return 21213
    if not form.keys() & {"Url", "Twiml", "ApplicationSid"}:
        return 21205
    if code := _CALL_TO.get(to) or _CALL_FROM.get(sender):
        return code
    return None if _E164.match(to) else 21211

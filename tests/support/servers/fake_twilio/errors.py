"""Twilio's errors, and the requests that it rejects.

- https://www.twilio.com/docs/usage/twilios-response#exceptions
- https://www.twilio.com/docs/api/errors
- https://www.twilio.com/docs/iam/test-credentials: numbers that Twilio rejects
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from tests.support.servers.behaviors import respond_with
from tests.support.servers.http_server import Behavior

JSON: Final = {"Content-Type": "application/json"}
_STATUSES: Final = {20003: 401, 20404: 404, 20429: 429, 20500: 500}
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
_MAX_TEXT_LENGTH: Final = 1600


def http_status(code: int) -> int:
    """Return the usual HTTP status of this error code."""
    return _STATUSES.get(code, 400)


def error_body(code: int, status: int) -> bytes:
    """Return the body of an error response."""
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    error = {"code": code, "message": f"Error {code}", "more_info": more_info, "status": status}
    return json.dumps(error).encode()


def rejects(code: int, status: int | None = None) -> Behavior:
    """Reject every request with this error code of Twilio."""
    status = status or http_status(code)
    return respond_with(status, error_body(code, status), JSON)


def message_error(form: Mapping[str, str]) -> int | None:
    """Return the error code of a message, or None if it is valid."""
    to, sender = form.get("To", ""), form.get("From", "")
    if not to:
        return 21604
    if not sender and not form.get("MessagingServiceSid"):
        return 21603
    if not form.get("Body"):
        return 21602
    if len(form["Body"]) > _MAX_TEXT_LENGTH:
        return 21617
    if code := _MESSAGE_TO.get(to) or _MESSAGE_FROM.get(sender):
        return code
    return None if _E164.match(to) else 21211


def call_error(form: Mapping[str, str]) -> int | None:
    """Return the error code of a call, or None if it is valid."""
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

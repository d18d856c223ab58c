"""Twilio's errors, and the requests that it rejects.

https://www.twilio.com/docs/usage/twilios-response#exceptions
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from tests.support.servers.behaviors import respond_with
from tests.support.servers.http_server import Behavior

JSON: Final = {"Content-Type": "application/json"}

# https://www.twilio.com/docs/api/errors
_MESSAGES: Final = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    21201: "No 'To' number is specified",
    21205: "Url is required",
    21210: "The source phone number provided is not yet verified for your account",
    21211: "The 'To' number is not a valid phone number.",
    21212: "The 'From' number is not a valid phone number, shortcode, or alphanumeric sender ID.",
    21213: "No 'From' number is specified",
    21214: "The phone number you are attempting to call cannot be reached.",
    21215: "Account not authorized to call this number.",
    21216: "Call blocked by Twilio blocklist.",
    21217: "The phone number does not appear to be valid.",
    21408: "Permission to send an SMS has not been enabled for the region of the 'To' number",
    21601: "Phone number is not a valid SMS-capable inbound phone number",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number is not a valid, message-capable Twilio phone number.",
    21608: "The number is unverified. Trial accounts cannot send messages to unverified numbers.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "Message cannot be sent with the current combination of 'To' and/or 'From' parameters",
    21614: "The 'To' number is not a valid mobile number.",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21635: "'To' number cannot be a landline",
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
}
_STATUSES: Final = {20003: 401, 20404: 404, 20429: 429, 20500: 500}
# https://www.twilio.com/docs/iam/test-credentials: numbers that Twilio rejects.
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
    return json.dumps(
        {
            "code": code,
            "message": _MESSAGES.get(code, "Rejected"),
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }
    ).encode()


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

"""How Twilio refuses: https://www.twilio.com/docs/usage/twilios-response#exceptions."""

import json
from typing import Final

from tests.support.servers.behaviours import says
from tests.support.servers.loopback import Behaviour

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


def status_of(code: int) -> int:
    """The status that this code usually comes with."""
    return _STATUSES.get(code, 400)


def refusal(code: int, status: int) -> bytes:
    """The body of a refusal."""
    return json.dumps(
        {
            "code": code,
            "message": _MESSAGES.get(code, "Refused"),
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }
    ).encode()


def refuses(code: int, status: int | None = None) -> Behaviour:
    """Refuses every request with this code of Twilio's dictionary."""
    status = status or status_of(code)
    return says(status, refusal(code, status), JSON)

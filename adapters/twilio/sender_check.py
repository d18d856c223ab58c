"""Whether the account may send from the configured sender."""

import re
from http import HTTPStatus
from typing import Final

from adapters.twilio.client import (
    MESSAGING_SERVICE_SID,
    REQUEST_ERRORS,
    TwilioClient,
    TwilioError,
)
from application.ports.errors import ConfigurationError

_SHORT_CODE: Final = re.compile(r"[0-9]{3,8}")
_NOT_OWNED: Final = (
    "The Twilio account does not have the number in TWILIO_FROM: use one of its active numbers, "
    "which Twilio's console lists."
)
_NO_SMS: Final = (
    "The number in TWILIO_FROM cannot send text messages: use a number of the Twilio account that "
    "has the capability SMS."
)
_NO_SERVICE: Final = (
    "The Twilio account does not have the messaging service in TWILIO_MESSAGING_SERVICE_SID: copy "
    "its SID from Twilio's console."
)
_NOT_CHECKED: Final = (
    "Twilio accepts the credentials, but did not say whether the account has the sender: try again."
)
_NOT_LISTED: Final = "this server is not Twilio and does not say whether it knows the sender"


async def check_sender(client: TwilioClient, sender: str) -> str:
    """Return a note or an empty text if the account has the sender, or if that cannot be known.

    - Twilio does not list the names that an account may send from.
    - A compatible server may offer messages only; it responds with 404.

    Raises:
        ConfigurationError: the account does not have it; the message does not contain it.
    """
    try:
        problem = await _find_problem(client, sender)
    except REQUEST_ERRORS as error:
        if not isinstance(error, TwilioError) or error.status != HTTPStatus.NOT_FOUND:
            raise ConfigurationError(_NOT_CHECKED) from None
        # A resource that does not exist has a code of Twilio; a list always exists.
        if not MESSAGING_SERVICE_SID.fullmatch(sender) or error.code is None:
            return _NOT_LISTED
        problem = _NO_SERVICE
    if problem is not None:
        raise ConfigurationError(problem)
    return ""


async def _find_problem(client: TwilioClient, sender: str) -> str | None:
    if MESSAGING_SERVICE_SID.fullmatch(sender):
        await client.fetch_messaging_service(sender)
        return None
    if _SHORT_CODE.fullmatch(sender):
        return None if await client.has_short_code(sender) else _NOT_OWNED
    if not sender.startswith("+"):
        return None
    number = await client.find_number(sender)
    if number is None:
        return _NOT_OWNED
    return None if number.can("sms") else _NO_SMS

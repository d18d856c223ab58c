"""Whether the number that calls come from can call, and whether calls to it come here."""

from http import HTTPStatus
from typing import Final

from adapters.messages.twilio.client import REQUEST_ERRORS, TwilioClient, TwilioError
from application.ports.errors import ConfigurationError

_NO_VOICE: Final = (
    "The number that calls come from (TWILIO_VOICE_FROM or TWILIO_FROM) cannot call: use a number "
    "of the Twilio account that has the capability Voice."
)
_NOT_CHECKED: Final = (
    "Twilio did not say whether the account has the number: check TWILIO_ACCOUNT_SID and "
    "TWILIO_AUTH_TOKEN, then try again."
)
_NOT_LISTED: Final = "this server is not Twilio and does not say whether it knows the number"
_NOT_OWNED: Final = (
    "it is no active number of the Twilio account: nobody can call it, and calls come from it only "
    "if it is a verified caller ID"
)
_NO_STATUS: Final = (
    "Twilio does not report here when a call to it ends (Call status changes): callers who ask for "
    "a code are called back 15 s after the text; enter the URL below"
)
_ELSEWHERE: Final = "Twilio does not send calls to it here: enter the URLs below"


async def check_caller_id(
    client: TwilioClient, number: str, voice_url: str, status_url: str
) -> str:
    """Return a note or an empty text if calls can come from the number.

    `voice_url` is that of the first request of an inbound call, `status_url` that of its status.

    Raises:
        ConfigurationError: It cannot call, or Twilio does not answer.
    """
    try:
        found = await client.find_number(number)
    except REQUEST_ERRORS as error:
        if isinstance(error, TwilioError) and error.status == HTTPStatus.NOT_FOUND:
            return _NOT_LISTED
        raise ConfigurationError(_NOT_CHECKED) from None
    if found is None:
        return _NOT_OWNED
    if not found.can("voice"):
        raise ConfigurationError(_NO_VOICE)
    if found.voice_url != voice_url:
        return _ELSEWHERE
    return "" if found.status_callback == status_url else _NO_STATUS

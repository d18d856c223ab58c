"""Whether the account and the senders at Twilio work."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from adapters.messages.twilio.client import (
    MESSAGING_SERVICE_SID,
    REQUEST_ERRORS,
    InvalidResponse,
    TwilioClient,
    TwilioError,
)
from adapters.messages.twilio.error_codes import INACTIVE, MESSAGES
from adapters.shared.account_health_check import AccountHealthCheck
from adapters.shared.http import ConnectionFailed, NoResponse
from application.ports.errors import ConfigurationError


class TwilioHealthCheck(AccountHealthCheck):
    """Check that Twilio responds, accepts the credentials and that the account is active."""

    def __init__(self, client: TwilioClient, now: Callable[[], float]) -> None:
        super().__init__(now, MESSAGES.no_response)
        self._client = client

    async def _find_failure(self) -> str | None:
        try:
            status = await self._client.fetch_account_status()
        except ConnectionFailed as error:
            return f"{MESSAGES.result(error).reason} ({error.reason})"
        except (NoResponse, InvalidResponse) as error:
            return MESSAGES.result(error).reason
        except TwilioError as error:
            # A compatible server may offer messages only. Twilio's own 404 has an error code.
            is_compatible_server = error.status == 404 and error.code is None
            return None if is_compatible_server else MESSAGES.rejection(error)
        return None if status == "active" else INACTIVE.format(MESSAGES.service)


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

    - Twilio does not list the names that an account may send from. Short codes are not checked.
    - A compatible server may offer messages only; it responds with 404.

    Raises:
        ConfigurationError: the account does not have it; the message does not contain it.
    """
    is_service = MESSAGING_SERVICE_SID.fullmatch(sender) is not None
    is_number = sender.startswith("+")
    try:
        if is_service:
            await client.fetch_messaging_service(sender)
        number = await client.find_number(sender) if is_number else None
    except REQUEST_ERRORS as error:
        if not isinstance(error, TwilioError) or error.status != HTTPStatus.NOT_FOUND:
            raise ConfigurationError(_NOT_CHECKED) from None
        # A resource that does not exist has a code of Twilio; a list always exists.
        if not is_service or error.code is None:
            return _NOT_LISTED
        raise ConfigurationError(_NO_SERVICE) from None
    if is_number and number is None:
        raise ConfigurationError(_NOT_OWNED)
    if number and not number.can("sms"):
        raise ConfigurationError(_NO_SMS)
    return ""

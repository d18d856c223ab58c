"""The Twilio messenger."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
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
from adapters.messages.twilio.message_status import read_message_status
from adapters.messages.twilio.signatures import TwilioSignatures
from adapters.messages.twilio.webhook_fields import read_fields
from adapters.shared.account_health_check import AccountHealthCheck
from adapters.shared.http import ConnectionFailed, NoResponse, Timeouts, open_transport
from application.ports.errors import ConfigurationError
from application.ports.otp import DeliveryResult, DeliveryStatus, TextMessage
from application.ports.webhooks import MessageStatus, SignedRequest
from domain.phone import PhoneNumber


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


class TwilioMessenger:
    """Send text messages by Twilio; a message is never sent twice."""

    signature_coverage: Final = TwilioSignatures.signature_coverage

    def __init__(
        self,
        client: TwilioClient,
        sender: str,
        health_check: TwilioHealthCheck,
        signatures: TwilioSignatures,
    ) -> None:
        """Send from a phone number, a name or the SID of a messaging service."""
        self._client = client
        self._sender = sender
        self._origin = (
            {"MessagingServiceSid": sender}
            if MESSAGING_SERVICE_SID.fullmatch(sender)
            else {"From": sender}
        )
        self._health_check = health_check
        self._signatures = signatures

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        # A lone surrogate cannot be encoded in UTF-8.
        encodable_text = message.text.encode(errors="replace").decode()
        callback = {"StatusCallback": message.status_url} if message.status_url else {}
        options = self._origin | callback
        try:
            message_sid = await self._client.create_message(phone.e164, encodable_text, options)
        except REQUEST_ERRORS as error:
            return MESSAGES.result(error)
        return DeliveryResult(DeliveryStatus.ACCEPTED, provider_message_id=message_sid)

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        if not self._signatures.verify(request):
            return None
        return [read_message_status(read_fields(request))]

    async def check(self) -> None:
        await self._health_check.check()

    async def check_sender(self) -> str:
        return await check_sender(self._client, self._sender)


@asynccontextmanager
async def open_twilio_messenger(
    account_sid: str,
    auth_token: str,
    *,
    sender: str,
    other_auth_tokens: Sequence[str] = (),
    api_base: str | None = None,
    timeouts: Timeouts | None = None,
    now: Callable[[], float] = time.monotonic,
) -> AsyncIterator[TwilioMessenger]:
    """Open a messenger, without a request. It keeps connections until the block ends.

    `other_auth_tokens` sign status callbacks, too, while the secret is rotated. `api_base` is the
    URL of a server to use instead of Twilio.
    """
    async with open_transport(timeouts or Timeouts()) as transport:
        client = TwilioClient(account_sid, auth_token, api_base, transport)
        health_check = TwilioHealthCheck(client, now)
        signatures = TwilioSignatures(account_sid, auth_token, *other_auth_tokens)
        yield TwilioMessenger(client, sender, health_check, signatures)

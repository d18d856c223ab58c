"""The Twilio messenger."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from adapters.messages.twilio.client import MESSAGING_SERVICE_SID, REQUEST_ERRORS, TwilioClient
from adapters.messages.twilio.error_codes import MESSAGES
from adapters.messages.twilio.health_check import TwilioHealthCheck, check_sender
from adapters.messages.twilio.message_status import read_message_status
from adapters.messages.twilio.signatures import TwilioSignatures
from adapters.messages.twilio.webhook_fields import read_fields
from adapters.shared.http import Timeouts, open_transport
from application.ports.otp import DeliveryResult, DeliveryStatus, TextMessage
from application.ports.webhooks import MessageStatus, SignedRequest
from domain.phone import PhoneNumber


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

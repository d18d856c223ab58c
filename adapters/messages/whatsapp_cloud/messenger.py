"""The messenger of Meta's WhatsApp Cloud API."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from adapters.messages.whatsapp_cloud.client import REQUEST_ERRORS, WhatsAppAccount, WhatsAppClient
from adapters.messages.whatsapp_cloud.error_codes import ONLY_CODES, to_result, why_nobody
from adapters.messages.whatsapp_cloud.health_check import WhatsAppHealthCheck, check_template
from adapters.messages.whatsapp_cloud.languages import closest_language
from adapters.messages.whatsapp_cloud.message_ids import without_number
from adapters.messages.whatsapp_cloud.webhooks import WhatsAppWebhooks
from adapters.shared.http import Timeouts, open_transport
from application.ports.otp import CodeMessage, DeliveryResult, DeliveryStatus, TextMessage
from application.ports.webhooks import MessageStatus, SignedRequest
from domain.otp.challenge import Purpose
from domain.phone import PhoneNumber

_log = logging.getLogger(__name__)


class WhatsAppMessenger:
    """Send codes by WhatsApp; a message is never sent twice.

    - Meta fixes the text, which calls each a verification code. So a code for a change of the
      number is rejected: it must not read like any other.
    - After an error with which no user gets messages, operators get a warning, and the health
      check fails for a while: the next channel has the messages, and mostly costs more.
    - Meta returns the reference of a message with each status, as `biz_opaque_callback_data`.
    """

    signature_coverage: Final = WhatsAppWebhooks.signature_coverage

    def __init__(
        self,
        client: WhatsAppClient,
        health_check: WhatsAppHealthCheck,
        webhooks: WhatsAppWebhooks,
    ) -> None:
        self._client = client
        self._health_check = health_check
        self._webhooks = webhooks

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        if not isinstance(message, CodeMessage) or message.purpose is Purpose.CHANGE_PHONE:
            return DeliveryResult(DeliveryStatus.REJECTED, ONLY_CODES)
        try:
            message_id = await self._client.send_message(self._render(phone, message))
        except REQUEST_ERRORS as error:
            result = to_result(error)
            self._warn_if_nobody(result.error_code)
            return result
        return DeliveryResult(
            DeliveryStatus.ACCEPTED, provider_message_id=without_number(message_id)
        )

    def _render(self, phone: PhoneNumber, message: CodeMessage) -> dict[str, Any]:
        # https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/authentication-templates/copy-code-button-authentication-templates
        account, code = self._client.account, [{"type": "text", "text": message.code}]
        language = closest_language(account.languages, message.requested_locale)
        rendered: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": phone.e164,
            "type": "template",
            "template": {
                "name": account.template,
                "language": {"code": language},
                "components": [
                    {"type": "body", "parameters": code},
                    {"type": "button", "sub_type": "url", "index": "0", "parameters": code},
                ],
            },
        }
        if message.reference:
            rendered["biz_opaque_callback_data"] = message.reference
        return rendered

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        statuses = self._webhooks.read_statuses(request)
        for status in statuses or ():
            self._warn_if_nobody(status.error_code)
        return statuses

    def _warn_if_nobody(self, error_code: str) -> None:
        """Tell operators of an error, here or in a report, with which no user gets messages."""
        if reason := why_nobody(error_code):
            _log.warning(
                {"event": "whatsapp_sends_nothing", "error_code": error_code, "reason": reason}
            )
            self._health_check.fail(f"{reason} ({error_code})")

    def answer_handshake(self, request: SignedRequest) -> str | None:
        return self._webhooks.answer_handshake(request)

    async def check(self) -> None:
        await self._health_check.check()

    async def check_template(self) -> str:
        return await check_template(self._client)


@asynccontextmanager
async def open_whatsapp_messenger(
    account: WhatsAppAccount,
    *,
    timeouts: Timeouts | None = None,
    now: Callable[[], float] = time.monotonic,
) -> AsyncIterator[WhatsAppMessenger]:
    """Open a messenger, without a request. It keeps connections until the block ends."""
    async with open_transport(timeouts or Timeouts()) as transport:
        client = WhatsAppClient(account, transport)
        webhooks = WhatsAppWebhooks(
            account.phone_number_id, account.app_secrets, account.verify_token
        )
        yield WhatsAppMessenger(client, WhatsAppHealthCheck(client, now), webhooks)

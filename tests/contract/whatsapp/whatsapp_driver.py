"""The messenger of WhatsApp's Cloud API, which the suites of messages run with."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters.messages.whatsapp_cloud.client import WhatsAppAccount
from adapters.messages.whatsapp_cloud.messenger import WhatsAppMessenger, open_whatsapp_messenger
from application.ports.webhooks import SignedRequest
from tests.contract.provider_drivers import ServerDriver
from tests.contract.suites.messages.driver import MessengerDriver, ReceivedMessage
from tests.support.timeouts import LONG
from tests.support.whatsapp.fake_whatsapp import (
    FakeWhatsApp,
    handshake_url,
    make_message_id,
    rejects,
    reports,
    sign,
)


def account_of(server: FakeWhatsApp, **fields: Any) -> WhatsAppAccount:
    """Return the account of a fake."""
    account = WhatsAppAccount(
        access_token=server.access_token,
        phone_number_id=server.phone_number_id,
        business_account_id=server.business_account_id,
        app_secrets=(server.app_secret,),
        verify_token=server.verify_token,
        template="sign_in_code",
        languages=("en_US",),
        api_url=server.url,
    )
    return replace(account, **fields)


class WhatsAppDriver(ServerDriver, MessengerDriver):
    server: FakeWhatsApp
    reports_references = True
    refusal = staticmethod(rejects(190))

    def __init__(self, messenger: WhatsAppMessenger, server: FakeWhatsApp) -> None:
        super().__init__(server, messenger._client.transport)
        self.messenger = messenger

    async def delivered(self) -> list[ReceivedMessage]:
        return [
            ReceivedMessage(message["to"], json.dumps(message["template"]["components"]))
            for message in self.server.messages
        ]

    async def invalidate_number(self) -> None:
        self.server.behavior = rejects(131026)

    async def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        if body is not None:
            return self._sign(url, body)
        return (await self.sign_references(url, ["ab" * 16], signed_at))[0]

    async def sign_references(
        self, url: str, references: Sequence[str], signed_at: datetime
    ) -> Sequence[SignedRequest]:
        del signed_at  # Meta signs no time
        return [self._sign_reports(url, references, "delivered")]

    async def sign_undelivered(self, url: str, signed_at: datetime) -> SignedRequest:
        return self._sign_reports(url, ["ab" * 16], "failed")

    async def sign_sent(self, url: str, signed_at: datetime) -> SignedRequest:
        return self._sign_reports(url, ["ab" * 16], "sent")

    def _sign_reports(self, url: str, references: Sequence[str], status: str) -> SignedRequest:
        sent = [
            {"to": "+1", "wamid": make_message_id("1"), "biz_opaque_callback_data": reference}
            for reference in references
        ]
        return self._sign(url, self.server.report(*reports(sent, status)))

    async def make_handshake(
        self, url: str, *, is_forged: bool = False
    ) -> tuple[SignedRequest, str]:
        token = "a-token-of-a-stranger" if is_forged else self.server.verify_token
        return SignedRequest(handshake_url(url, token), {}), "1158201444"

    def _sign(self, url: str, body: bytes) -> SignedRequest:
        signature = {"x-hub-signature-256": sign(self.server.app_secret, body)}
        return SignedRequest(url, signature, body=body)


async def whatsapp() -> AsyncIterator[WhatsAppDriver]:
    with FakeWhatsApp() as server:
        async with open_whatsapp_messenger(account_of(server), timeouts=LONG) as messenger:
            yield WhatsAppDriver(messenger, server)

"""Our messengers, which the suites of messages run with."""

import json
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, TextIO
from urllib.parse import urlencode

from adapters.messages.http_hook import HookMessenger, open_hook_messenger
from adapters.messages.terminal import TerminalMessenger
from adapters.messages.twilio.messenger import TwilioMessenger, open_twilio_messenger
from adapters.messages.vonage.messenger import VonageMessenger, open_vonage_messenger
from adapters.messages.whatsapp_cloud.client import WhatsAppAccount
from adapters.messages.whatsapp_cloud.messenger import WhatsAppMessenger, open_whatsapp_messenger
from application.ports.webhooks import SignedRequest
from domain.phone import PhoneNumber
from tests.contract.provider_drivers import ServerDriver
from tests.contract.suites.messages.driver import MessengerDriver, ReceivedMessage
from tests.support.builders import a_message
from tests.support.fakes.messenger import (
    INVALID_NUMBER,
    REJECTED,
    UNAVAILABLE,
    FakeMessenger,
)
from tests.support.servers.fake_hook import SECRET, FakeHook, sign_status
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.fake_twilio.server import add_body_hash, sign_webhook
from tests.support.servers.fake_vonage import (
    APPLICATION,
    NUMBER,
    FakeVonage,
    make_status,
    private_pem,
    sign_request,
)
from tests.support.servers.fake_vonage import SECRET as SIGNATURE_SECRET
from tests.support.servers.fake_vonage import rejects as rejects_by_vonage
from tests.support.servers.http_server import respond_with
from tests.support.timeouts import LONG
from tests.support.whatsapp.fake_whatsapp import (
    FakeWhatsApp,
    handshake_url,
    make_message_id,
    reports,
)
from tests.support.whatsapp.fake_whatsapp import rejects as rejects_by_meta
from tests.support.whatsapp.fake_whatsapp import sign as sign_by_meta

PHONE = PhoneNumber("+14155550001")
_BOX = re.compile(r"│ To: (\S+) .*?\n│ (.*?)└", re.DOTALL)


class FakeDriver(MessengerDriver):
    def __init__(self) -> None:
        self.messenger = self.fake = FakeMessenger()

    async def delivered(self) -> list[ReceivedMessage]:
        sent = zip(self.fake.messages, self.fake.status_urls, strict=True)
        return [ReceivedMessage(phone.e164, text, url) for (phone, text), url in sent]

    async def provider_is(self, state: str) -> None:
        self.fake.result = UNAVAILABLE if state == "refuses" else REJECTED

    async def invalidate_number(self) -> None:
        self.fake.result = INVALID_NUMBER

    async def reject_message(self) -> None:
        self.fake.result = REJECTED


class TerminalDriver(MessengerDriver):
    has_own_texts = True
    """It breaks lines, and has them in a box."""

    def __init__(self, stream: TextIO, reader: int) -> None:
        self.messenger = TerminalMessenger(stream)
        self.stream = stream
        self.reader = reader
        self.boxes = ""

    async def delivered(self) -> list[ReceivedMessage]:
        with suppress(BlockingIOError):  # nothing new
            self.boxes += os.read(self.reader, 1_000_000).decode()
        return [ReceivedMessage(number, text, "") for number, text in _BOX.findall(self.boxes)]

    async def provider_is(self, state: str) -> None:
        self.stream.close()


class TwilioDriver(ServerDriver, MessengerDriver):
    server: FakeTwilio
    refusal = staticmethod(rejects(20003))

    def __init__(self, messenger: TwilioMessenger, twilio: FakeTwilio) -> None:
        super().__init__(twilio, messenger._client.transport)
        self.messenger = messenger

    async def delivered(self) -> list[ReceivedMessage]:
        return [
            ReceivedMessage(form["To"], form["Body"], form.get("StatusCallback", ""))
            for form in self.server.messages
        ]

    async def invalidate_number(self) -> None:
        self.server.behavior = rejects(21211)

    async def reject_message(self) -> None:
        self.server.behavior = rejects(21617)

    async def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        token = self.server.auth_token
        if body is None:
            return self._sign_form(url, "delivered")
        url = add_body_hash(url, body.decode(errors="replace"))
        return SignedRequest(url, {"x-twilio-signature": sign_webhook(token, url)}, body=body)

    async def sign_undelivered(self, url: str, signed_at: datetime) -> SignedRequest:
        return self._sign_form(url, "undelivered")

    async def sign_sent(self, url: str, signed_at: datetime) -> SignedRequest:
        return self._sign_form(url, "sent")

    def _sign_form(self, url: str, status: str) -> SignedRequest:
        fields = (("AccountSid", self.server.account_sid), ("MessageStatus", status))
        headers = {"x-twilio-signature": sign_webhook(self.server.auth_token, url, fields)}
        return SignedRequest(url, headers, fields, urlencode(fields).encode())


class VonageDriver(ServerDriver, MessengerDriver):
    server: FakeVonage
    refusal = staticmethod(rejects_by_vonage(402, "low-balance"))
    reports_references = True

    def __init__(self, messenger: VonageMessenger, vonage: FakeVonage) -> None:
        super().__init__(vonage, messenger._client.transport)
        self.messenger = messenger

    async def delivered(self) -> list[ReceivedMessage]:
        posted = [json.loads(each.body) for each in self.server.requests]
        return [ReceivedMessage(f"+{each['to']}", each["text"], "") for each in posted if each]

    async def invalidate_number(self) -> None:
        self.server.behavior = rejects_by_vonage(422, "messages#1150", parameters={"to": "invalid"})

    async def reject_message(self) -> None:
        self.server.behavior = rejects_by_vonage(422, "messages#1090")

    async def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        if body is None:
            body = self._report("ab" * 16)
        return sign_request(url, body, now=signed_at)

    async def sign_undelivered(self, url: str, signed_at: datetime) -> SignedRequest:
        return sign_request(url, self._report("ab" * 16, "undeliverable"), now=signed_at)

    async def sign_sent(self, url: str, signed_at: datetime) -> SignedRequest:
        return sign_request(url, self._report("ab" * 16, "submitted"), now=signed_at)

    async def sign_references(
        self, url: str, references: Sequence[str], signed_at: datetime
    ) -> Sequence[SignedRequest]:
        bodies = [self._report(reference) for reference in references]
        return [sign_request(url, body, now=signed_at) for body in bodies]

    def _report(self, reference: str, status: str = "delivered") -> bytes:
        message = {"message_uuid": APPLICATION, "to": "14155550001", "from": NUMBER}
        return make_status({**message, "client_ref": reference}, status)


class HookDriver(ServerDriver, MessengerDriver):
    server: FakeHook
    refusal = staticmethod(respond_with(402, b'{"error": {"code": "unavailable"}}'))

    def __init__(self, messenger: HookMessenger, hook: FakeHook) -> None:
        super().__init__(hook, messenger._transport)
        self.messenger = messenger

    async def delivered(self) -> list[ReceivedMessage]:
        posted = [json.loads(each.body) for each in self.server.requests if each.method == "POST"]
        return [
            ReceivedMessage(message["phone"], message["text"], message["status_url"] or "")
            for message in posted
        ]

    async def invalidate_number(self) -> None:
        self.server.error = "invalid_number"

    async def reject_message(self) -> None:
        self.server.error = "rejected"

    async def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        await self.messenger.send(PHONE, a_message("", status_url=url))
        message_id = self.server.messages[-1]["message_id"]
        body = b'{"status": "delivered"}' if body is None else body
        return sign_status(message_id, url, body, now=signed_at)

    async def sign_undelivered(self, url: str, signed_at: datetime) -> SignedRequest:
        return await self.sign_status(url, b'{"status": "undelivered"}', signed_at)

    async def sign_sent(self, url: str, signed_at: datetime) -> SignedRequest:
        return await self.sign_status(url, b'{"status": "sent"}', signed_at)


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
    has_own_texts = True
    refusal = staticmethod(rejects_by_meta(190))

    def __init__(self, messenger: WhatsAppMessenger, server: FakeWhatsApp) -> None:
        super().__init__(server, messenger._client.transport)
        self.messenger = messenger

    async def delivered(self) -> list[ReceivedMessage]:
        return [
            ReceivedMessage(message["to"], json.dumps(message["template"]["components"]), "")
            for message in self.server.messages
        ]

    async def invalidate_number(self) -> None:
        self.server.behavior = rejects_by_meta(131026)

    async def reject_message(self) -> None:
        self.server.behavior = rejects_by_meta(100)

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
        signature = {"x-hub-signature-256": sign_by_meta(self.server.app_secret, body)}
        return SignedRequest(url, signature, body=body)


async def fake() -> AsyncIterator[MessengerDriver]:
    yield FakeDriver()


async def terminal() -> AsyncIterator[MessengerDriver]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield TerminalDriver(stream, reader)
    os.close(reader)


async def twilio() -> AsyncIterator[MessengerDriver]:
    with FakeTwilio() as twilio:
        opening = open_twilio_messenger(
            twilio.account_sid,
            twilio.auth_token,
            sender="+15005550006",
            api_base=twilio.url,
            timeouts=LONG,
        )
        async with opening as messenger:
            yield TwilioDriver(messenger, twilio)


async def vonage() -> AsyncIterator[MessengerDriver]:
    with FakeVonage() as vonage:
        opening = open_vonage_messenger(
            APPLICATION,
            private_pem(),
            sender=NUMBER,
            signature_secrets=[SIGNATURE_SECRET],
            api_base=vonage.url,
            timeouts=LONG,
        )
        async with opening as messenger:
            yield VonageDriver(messenger, vonage)


async def hook() -> AsyncIterator[MessengerDriver]:
    with FakeHook() as hook:
        async with open_hook_messenger(
            "hook", f"{hook.url}/sms", [SECRET], timeouts=LONG
        ) as messenger:
            yield HookDriver(messenger, hook)


async def whatsapp() -> AsyncIterator[MessengerDriver]:
    with FakeWhatsApp() as server:
        async with open_whatsapp_messenger(account_of(server), timeouts=LONG) as messenger:
            yield WhatsAppDriver(messenger, server)

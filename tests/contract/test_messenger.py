"""The promises of the port that sends messages to phones, with our messengers."""

import os
from collections.abc import AsyncIterator
from typing import TextIO

import pytest

from adapters.http_hook.messenger import open_hook_messenger
from adapters.terminal import TerminalMessenger
from adapters.twilio.messenger import open_twilio_messenger
from application.ports.webhooks import SignedRequest
from pytest_dialtone.suites.messages.driver import CheckedMessenger, MessengerDriver
from pytest_dialtone.suites.messages.test_messenger import *
from pytest_dialtone.suites.messages.test_messenger import (
    PHONE,
    TEXT,
    test_a_request_without_a_signature_is_no_status_callback,
    test_a_status_callback_counts_with_its_signature_only,
    test_an_invalid_number_has_a_reason_without_the_number,
    test_no_signed_body_raises_an_exception,
)
from tests.support.builders import a_message
from tests.support.fakes.messenger import INVALID_NUMBER, REJECTED, FakeMessenger
from tests.support.servers.fake_hook import SECRET, FakeHook, sign_status
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.timeouts import LONG


class FakeDriver(MessengerDriver):
    def __init__(self) -> None:
        self.fake = FakeMessenger()
        super().__init__(self.fake)

    async def delivered(self) -> str:
        return "\n".join(f"{phone.e164} {text}" for phone, text in self.fake.messages)

    async def break_provider(self) -> None:
        self.fake.result = REJECTED

    def invalidate_number(self) -> None:
        self.fake.result = INVALID_NUMBER


class TerminalDriver(MessengerDriver):
    def __init__(self, stream: TextIO, reader: int) -> None:
        super().__init__(TerminalMessenger(stream))
        self.stream = stream
        self.reader = reader

    async def delivered(self) -> str:
        return os.read(self.reader, 1_000_000).decode()

    async def break_provider(self) -> None:
        self.stream.close()


class TwilioDriver(MessengerDriver):
    def __init__(self, messenger: CheckedMessenger, twilio: FakeTwilio) -> None:
        super().__init__(messenger)
        self.twilio = twilio

    async def delivered(self) -> str:
        return "\n".join(f"{form['To']} {form['Body']}" for form in self.twilio.messages)

    async def break_provider(self) -> None:
        self.twilio.close()

    def invalidate_number(self) -> None:
        self.twilio.behavior = rejects(21211)


class HookDriver(MessengerDriver):
    def __init__(self, messenger: CheckedMessenger, hook: FakeHook) -> None:
        super().__init__(messenger)
        self.hook = hook

    async def delivered(self) -> str:
        return "\n".join(f"{message['phone']} {message['text']}" for message in self.hook.messages)

    async def break_provider(self) -> None:
        self.hook.close()

    def invalidate_number(self) -> None:
        self.hook.error = "invalid_number"

    async def sign_status(self, url: str, body: bytes | None) -> SignedRequest:
        await self.messenger.send(PHONE, a_message(TEXT, status_url=url))
        message_id = self.hook.messages[-1]["message_id"]
        return sign_status(message_id, url, b'{"status": "delivered"}' if body is None else body)


async def fake(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    yield FakeDriver()


async def terminal(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield TerminalDriver(stream, reader)
    os.close(reader)


async def twilio(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
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


async def hook(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    with FakeHook() as hook:
        async with open_hook_messenger(
            "hook", f"{hook.url}/sms", [SECRET], timeouts=LONG
        ) as messenger:
            yield HookDriver(messenger, hook)


@pytest.fixture(params=[fake, terminal, twilio, hook], ids=lambda open_driver: open_driver.__name__)
async def messenger_driver(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    async for driver in request.param(request):
        yield driver


def only_with(*drivers: object) -> pytest.MarkDecorator:
    """Run a test with these messengers only. The others lack what it is about."""
    return pytest.mark.parametrize(
        "messenger_driver", drivers, indirect=True, ids=lambda open_driver: open_driver.__name__
    )


only_with(fake, twilio, hook)(test_an_invalid_number_has_a_reason_without_the_number)
only_with(twilio, hook)(test_a_request_without_a_signature_is_no_status_callback)
only_with(hook)(test_a_status_callback_counts_with_its_signature_only)
only_with(hook)(test_no_signed_body_raises_an_exception)

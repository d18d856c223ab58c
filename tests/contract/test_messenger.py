"""The promises of the port that sends messages to phones."""

import asyncio
import os
from collections.abc import AsyncIterator
from inspect import isawaitable
from typing import Protocol, TextIO

import pytest

from adapters.console import ConsoleMessenger
from adapters.twilio.messenger import open_twilio_messenger
from application.ports.errors import MessengerUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus, Messenger
from application.ports.system import HealthCheck
from domain.phone import PhoneNumber
from tests.contract import external_adapter
from tests.support.acme_sms import open_acme_messenger
from tests.support.builders import a_phone
from tests.support.fakes.messenger import INVALID_NUMBER, REJECTED, FakeMessenger
from tests.support.servers.fake_acme import FakeAcme
from tests.support.servers.fake_twilio import FakeTwilio, rejects

PHONE = a_phone()
TEXT = "012345 is your Dialtone code. It works once, for 5 minutes. Do not share it with anyone."


class CheckedMessenger(Messenger, HealthCheck, Protocol):
    """A messenger with a health check."""


class MessengerDriver:
    """A messenger, and access to what it sends to."""

    def __init__(self, messenger: CheckedMessenger) -> None:
        self.messenger = messenger

    async def delivered(self) -> str:
        """Return all messages with their numbers, in their order."""
        raise NotImplementedError

    def break_provider(self) -> None:
        """Make the provider unavailable."""
        raise NotImplementedError

    def invalidate_number(self) -> None:
        """Make the provider report every number as invalid."""
        raise NotImplementedError


class FakeDriver(MessengerDriver):
    def __init__(self) -> None:
        self.fake = FakeMessenger()
        super().__init__(self.fake)

    async def delivered(self) -> str:
        return "\n".join(f"{phone.e164} {text}" for phone, text in self.fake.messages)

    def break_provider(self) -> None:
        self.fake.result = REJECTED

    def invalidate_number(self) -> None:
        self.fake.result = INVALID_NUMBER


class ConsoleDriver(MessengerDriver):
    def __init__(self, stream: TextIO, reader: int) -> None:
        super().__init__(ConsoleMessenger(stream))
        self.stream = stream
        self.reader = reader

    async def delivered(self) -> str:
        return os.read(self.reader, 1_000_000).decode()

    def break_provider(self) -> None:
        self.stream.close()


class TwilioDriver(MessengerDriver):
    def __init__(self, messenger: CheckedMessenger, twilio: FakeTwilio) -> None:
        super().__init__(messenger)
        self.twilio = twilio

    async def delivered(self) -> str:
        return "\n".join(f"{form['To']} {form['Body']}" for form in self.twilio.messages)

    def break_provider(self) -> None:
        self.twilio.close()

    def invalidate_number(self) -> None:
        self.twilio.behavior = rejects(21211)


class AcmeDriver(MessengerDriver):
    def __init__(self, messenger: CheckedMessenger, acme: FakeAcme) -> None:
        super().__init__(messenger)
        self.acme = acme

    async def delivered(self) -> str:
        return "\n".join(f"{message['to']} {message['text']}" for message in self.acme.messages)

    def break_provider(self) -> None:
        self.acme.close()

    def invalidate_number(self) -> None:
        self.acme.error = "unknown_recipient"


class OutsideDriver(MessengerDriver):
    """An adapter from outside. It may have a method `received()`, see docs/adapters.md."""

    async def delivered(self) -> str:
        if not hasattr(self.messenger, "received"):
            pytest.skip("its messages cannot be seen from outside: it has no received()")
        received = self.messenger.received()
        messages = await received if isawaitable(received) else received
        return "\n".join(f"{number} {text}" for number, text in messages)

    def break_provider(self) -> None:
        pytest.skip("its provider cannot be changed from outside")

    def invalidate_number(self) -> None:
        pytest.skip("its provider cannot be changed from outside")


async def fake(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    yield FakeDriver()


async def console(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield ConsoleDriver(stream, reader)
    os.close(reader)


async def twilio(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    with FakeTwilio() as twilio:
        opening = open_twilio_messenger(
            twilio.account_sid, twilio.auth_token, sender="+15005550006", api_base=twilio.url
        )
        async with opening as messenger:
            yield TwilioDriver(messenger, twilio)


async def acme(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    with FakeAcme() as acme:
        async with open_acme_messenger(environ=acme.environ) as messenger:
            yield AcmeDriver(messenger, acme)


async def from_outside(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    async with external_adapter.open_external_adapter(
        request.getfixturevalue("tmp_path")
    ) as messenger:
        yield OutsideDriver(messenger)


@pytest.fixture(
    params=([from_outside] if external_adapter.is_given() else [fake, console, twilio, acme]),
    ids=lambda open_driver: open_driver.__name__,
)
async def driver(request: pytest.FixtureRequest) -> AsyncIterator[MessengerDriver]:
    async for driver in request.param(request):
        yield driver


async def test_an_accepted_message_is_delivered_to_the_number(driver: MessengerDriver) -> None:
    result = await driver.messenger.send(PHONE, TEXT)

    assert result == DeliveryResult(DeliveryStatus.ACCEPTED)
    delivered = await driver.delivered()
    assert PHONE.e164 in delivered
    assert TEXT in delivered


@pytest.mark.skipif(external_adapter.is_given(), reason="an adapter from outside may not have it")
async def test_a_message_may_have_a_url_for_its_status(driver: MessengerDriver) -> None:
    result = await driver.messenger.send(PHONE, TEXT, "https://dialtone.example.org/sms/status")

    assert result == DeliveryResult(DeliveryStatus.ACCEPTED)
    assert TEXT in await driver.delivered()


async def test_many_messages_at_the_same_time_are_all_delivered(driver: MessengerDriver) -> None:
    texts = [f"{number:06} is your code" for number in range(50)]

    results = await asyncio.gather(*(driver.messenger.send(PHONE, text) for text in texts))

    delivered = await driver.delivered()
    assert {result.status for result in results} == {DeliveryStatus.ACCEPTED}
    assert [text for text in texts if delivered.count(text) != 1] == []


@pytest.mark.parametrize("text", ["", "\n", "नमस्ते 你好 👩‍🚀", "\x00\x1b[2J\ud800", "a" * 5000])
async def test_no_text_raises_an_exception(driver: MessengerDriver, text: str) -> None:
    result = await driver.messenger.send(PHONE, text)

    # Carriers reject an empty text and a very long one.
    assert result.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.REJECTED)


async def test_without_a_provider_nothing_is_sent_and_the_reason_has_no_secrets(
    driver: MessengerDriver,
) -> None:
    driver.break_provider()

    result = await driver.messenger.send(PHONE, TEXT)

    assert result.status in (DeliveryStatus.NOT_CONNECTED, DeliveryStatus.REJECTED)
    assert result.reason
    assert not secrets_in(result.reason, PHONE)


@pytest.mark.parametrize(
    "driver",
    [from_outside] if external_adapter.is_given() else [fake, twilio, acme],
    indirect=True,
    ids=lambda open_driver: open_driver.__name__,
)
async def test_an_invalid_number_has_a_reason_without_the_number(driver: MessengerDriver) -> None:
    driver.invalidate_number()

    result = await driver.messenger.send(PHONE, TEXT)

    assert result.status is DeliveryStatus.INVALID_NUMBER
    assert result.reason
    assert not secrets_in(result.reason, PHONE)


@pytest.mark.parametrize("has_provider", [True, False])
async def test_the_health_check_fails_only_without_a_provider(
    driver: MessengerDriver, has_provider: bool
) -> None:
    if not has_provider:
        driver.break_provider()

    reason = None
    try:
        await driver.messenger.check()
    except MessengerUnavailable as error:
        reason = str(error)

    assert bool(reason) is not has_provider


def secrets_in(text: str, phone: PhoneNumber) -> list[str]:
    return [secret for secret in (phone.e164, phone.e164[1:], "012345") if secret in text]

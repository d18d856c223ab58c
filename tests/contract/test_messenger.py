"""The promises of the port that sends messages to phones."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Protocol, TextIO, cast
from urllib.parse import parse_qsl

import pytest

from adapters.console import ConsoleMessenger
from adapters.twilio.messenger import open_twilio_messenger
from application.ports.errors import MessengerUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus, Messenger
from application.ports.system import HealthCheck
from application.ports.voice import MessageStatus, SignedRequest
from domain.otp.delivery_report import ReportedStatus
from domain.phone import PhoneNumber
from tests.contract import external_adapter
from tests.contract.outcomes import expect_errors, observe
from tests.support.acme_sms import AcmeMessenger, open_acme_messenger
from tests.support.builders import a_phone
from tests.support.fakes.messenger import INVALID_NUMBER, REJECTED, FakeMessenger
from tests.support.servers.fake_acme import FakeAcme
from tests.support.servers.fake_twilio import FakeTwilio, rejects

PHONE = a_phone()
TEXT = "012345 is your Dialtone code. It works once, for 5 minutes. Do not share it with anyone."

STATUS_URL = "https://dialtone.example.org/sms/status?delivery=" + "ab" * 16
SEND_SECONDS = 10
CHECK_SECONDS = 15
"""See the ports."""
WITHOUT_PROVIDER = (
    DeliveryStatus.NOT_CONNECTED,
    DeliveryStatus.REJECTED,
    # The provider of an external adapter may also break off.
    *([DeliveryStatus.UNKNOWN] if external_adapter.is_given() else []),
)
BODIES = (b"", b"{}", b"[]", b"null", b"\xff{", b"[" * 50_000, b"MessageStatus=delivered")


class CheckedMessenger(Messenger, HealthCheck, Protocol):
    """A messenger with a health check."""


class MessengerDriver:
    """A messenger, and access to what it sends to."""

    def __init__(self, messenger: CheckedMessenger) -> None:
        self.messenger = messenger

    async def delivered(self) -> str:
        """Return all messages with their numbers, in their order."""
        raise NotImplementedError

    async def break_provider(self) -> None:
        """Make the provider unavailable."""
        raise NotImplementedError

    def invalidate_number(self) -> None:
        """Make the provider report every number as invalid."""
        raise NotImplementedError

    async def sign_status(self, url: str, body: bytes | None) -> SignedRequest:
        """Return a status callback of the provider, by default for a delivered message."""
        raise NotImplementedError


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


class ConsoleDriver(MessengerDriver):
    def __init__(self, stream: TextIO, reader: int) -> None:
        super().__init__(ConsoleMessenger(stream))
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


class AcmeDriver(MessengerDriver):
    def __init__(self, messenger: CheckedMessenger, acme: FakeAcme) -> None:
        super().__init__(messenger)
        self.acme = acme

    async def delivered(self) -> str:
        return "\n".join(f"{message['to']} {message['text']}" for message in self.acme.messages)

    async def break_provider(self) -> None:
        self.acme.close()

    def invalidate_number(self) -> None:
        self.acme.error = "unknown_recipient"

    async def sign_status(self, url: str, body: bytes | None) -> SignedRequest:
        return cast("AcmeMessenger", self.messenger).sign_status(url, body)


class OutsideDriver(MessengerDriver):
    """An adapter from outside. It may have methods for tests, see docs/adapters.md."""

    async def delivered(self) -> str:
        received = await external_adapter.call_test_method(self.messenger, "received")
        try:
            return "\n".join(f"{number} {text}" for number, text in received)
        except (TypeError, ValueError) as error:
            raise external_adapter.TestMethodFailed(
                f"received() returned {received!r} instead of pairs of number and text"
            ) from error

    async def break_provider(self) -> None:
        await external_adapter.call_test_method(self.messenger, "break_provider")

    def invalidate_number(self) -> None:
        pytest.skip("its provider cannot be changed from outside")

    async def sign_status(self, url: str, body: bytes | None) -> SignedRequest:
        if not hasattr(self.messenger, "read_status"):
            pytest.skip("it has no read_status()")
        signed = await external_adapter.call_test_method(self.messenger, "sign_status", url, body)
        if not isinstance(signed, SignedRequest):
            raise external_adapter.TestMethodFailed(
                f"sign_status() returned {signed!r} instead of a SignedRequest"
            )
        return signed


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


async def send(driver: MessengerDriver, text: str = TEXT, *status_url: str) -> DeliveryResult:
    """Send a message; fail in words if the messenger does not keep its promises."""
    outcome = await observe(driver.messenger.send(PHONE, text, *status_url), SEND_SECONDS)
    if not isinstance(outcome.result, DeliveryResult):
        expected = "A failure is a DeliveryResult: UNKNOWN if the message may have been sent"
        raise AssertionError(f"send {outcome.words}. {expected}.") from outcome.error
    return outcome.result


async def test_an_accepted_message_is_delivered_to_the_number(driver: MessengerDriver) -> None:
    result = await send(driver)

    assert (result.status, result.reason) == (DeliveryStatus.ACCEPTED, "")
    delivered = await driver.delivered()
    assert PHONE.e164 in delivered
    assert TEXT in delivered


async def test_a_message_may_have_a_url_for_its_status(driver: MessengerDriver) -> None:
    result = await send(driver, TEXT, STATUS_URL)

    assert (result.status, result.reason) == (DeliveryStatus.ACCEPTED, "")
    assert TEXT in await driver.delivered()


async def test_many_messages_at_the_same_time_are_all_delivered(driver: MessengerDriver) -> None:
    texts = [f"{number:06} is your code" for number in range(50)]

    results = await asyncio.gather(*(send(driver, text) for text in texts))

    assert {result.status for result in results} == {DeliveryStatus.ACCEPTED}
    delivered = await driver.delivered()
    assert [text for text in texts if delivered.count(text) != 1] == []


@pytest.mark.parametrize("text", ["", "\n", "नमस्ते 你好 👩‍🚀", "\x00\x1b[2J\ud800", "a" * 5000])
async def test_no_text_raises_an_exception(driver: MessengerDriver, text: str) -> None:
    result = await send(driver, text)

    # Carriers reject an empty text and a very long one.
    assert result.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.REJECTED)


async def test_without_a_provider_nothing_is_accepted_and_the_reason_has_no_secrets(
    driver: MessengerDriver,
) -> None:
    await driver.break_provider()

    result = await send(driver)

    assert result.status in WITHOUT_PROVIDER, f"send returned {result!r} without its provider"
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

    result = await send(driver)

    assert result.status is DeliveryStatus.INVALID_NUMBER
    assert result.reason
    assert not secrets_in(result.reason, PHONE)


async def test_the_health_check_succeeds_with_a_provider(driver: MessengerDriver) -> None:
    outcome = await observe(driver.messenger.check(), CHECK_SECONDS)

    assert outcome.words == "returned None"


async def test_the_health_check_fails_without_a_provider(driver: MessengerDriver) -> None:
    if not getattr(driver.messenger, "has_health_check", True):
        pytest.skip("it has no check()")
    await driver.break_provider()

    calls = {"check": driver.messenger.check()}
    await expect_errors(calls, MessengerUnavailable, seconds=CHECK_SECONDS)


def read_status(driver: MessengerDriver, request: SignedRequest) -> MessageStatus | None:
    """Read a status callback; fail in words if it raises or returns something else."""
    messenger: Any = driver.messenger
    try:
        status = messenger.read_status(request)
    except Exception as error:
        raise AssertionError(f"read_status raised {error!r}: no request may do that") from error
    if status is not None and not isinstance(status, MessageStatus):
        pytest.fail(f"read_status returned {status!r}, neither a MessageStatus nor None")
    return status


@pytest.mark.parametrize(
    "driver",
    [from_outside] if external_adapter.is_given() else [twilio, acme],
    indirect=True,
    ids=lambda open_driver: open_driver.__name__,
)
async def test_a_request_without_a_signature_is_no_status_callback(driver: MessengerDriver) -> None:
    if not hasattr(driver.messenger, "read_status"):
        pytest.skip("it has no read_status()")
    for body in BODIES:
        form = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
        status = read_status(driver, SignedRequest(STATUS_URL, {}, form, body))
        assert status is None, f"read_status accepted {body[:40]!r} without a signature"


@pytest.mark.parametrize(
    "driver",
    [from_outside] if external_adapter.is_given() else [acme],
    indirect=True,
    ids=lambda open_driver: open_driver.__name__,
)
async def test_a_status_callback_counts_with_its_signature_only(driver: MessengerDriver) -> None:
    signed = await driver.sign_status(STATUS_URL, None)

    status = read_status(driver, signed)

    assert status is not None, "read_status rejected what sign_status() has signed"
    assert status.status is ReportedStatus.DELIVERED
    other_form = [*signed.form, ("Another", "field")] if signed.form else ()
    changed = {
        "without a signature": replace(signed, headers={}),
        "of another message": replace(signed, url=f"{STATUS_URL}0"),
        "with another body": replace(signed, body=signed.body + b" ", form=other_form),
    }
    accepted = [how for how, request in changed.items() if read_status(driver, request) is not None]
    assert accepted == [], f"read_status accepted a callback {', '.join(accepted)}"


@pytest.mark.parametrize(
    "driver",
    [from_outside] if external_adapter.is_given() else [acme],
    indirect=True,
    ids=lambda open_driver: open_driver.__name__,
)
async def test_no_signed_body_raises_an_exception(driver: MessengerDriver) -> None:
    for body in BODIES:
        read_status(driver, await driver.sign_status(STATUS_URL, body))


def secrets_in(text: str, phone: PhoneNumber) -> list[str]:
    return [secret for secret in (phone.e164, phone.e164[1:], "012345") if secret in text]

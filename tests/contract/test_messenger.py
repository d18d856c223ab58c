import asyncio
import os
from collections.abc import AsyncIterator
from io import StringIO
from typing import Protocol, TextIO

import pytest

from adapters.console import ConsoleMessenger
from adapters.twilio import open_twilio_messenger
from application.ports.errors import MessengerUnavailable
from application.ports.health_check import HealthCheck
from application.ports.messenger import Handover, Messenger, Outcome
from domain.phone import PhoneNumber
from tests.contract import outside
from tests.support.builders import a_phone
from tests.support.fakes.messenger import BAD_NUMBER, REFUSED, FakeMessenger
from tests.support.servers.twilio_stand_in import TwilioStandIn, refuses

PHONE = a_phone()
TEXT = "012345 is your Dialtone code. It works once, for 5 minutes. Do not share it with anyone."


class Sender(Messenger, HealthCheck, Protocol):
    """What sends and can be asked whether it would."""


class Bench:
    """A sender, and what became of the texts that it was given."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender

    def shown(self) -> str:
        """All that the phones got, in their order."""
        raise NotImplementedError

    def break_down(self) -> None:
        """Let nothing go out any more."""
        raise NotImplementedError

    def refuse_number(self) -> None:
        """Let no phone have the number, for who can know that."""
        raise NotImplementedError


class FakeBench(Bench):
    def __init__(self) -> None:
        self.fake = FakeMessenger()
        super().__init__(self.fake)

    def shown(self) -> str:
        return "\n".join(f"{phone.e164} {text}" for phone, text in self.fake.messages)

    def break_down(self) -> None:
        self.fake.handover = REFUSED

    def refuse_number(self) -> None:
        self.fake.handover = BAD_NUMBER


class ConsoleBench(Bench):
    def __init__(self, stream: TextIO, reader: int | None = None) -> None:
        super().__init__(ConsoleMessenger(stream))
        self.stream = stream
        self.reader = reader

    def shown(self) -> str:
        if isinstance(self.stream, StringIO):
            return self.stream.getvalue()
        assert self.reader is not None
        return os.read(self.reader, 1_000_000).decode()

    def break_down(self) -> None:
        self.stream.close()


class TwilioBench(Bench):
    def __init__(self, sender: Sender, twilio: TwilioStandIn) -> None:
        super().__init__(sender)
        self.twilio = twilio

    def shown(self) -> str:
        return "\n".join(f"{sent['To']} {sent['Body']}" for sent in self.twilio.messages)

    def break_down(self) -> None:
        self.twilio.close()

    def refuse_number(self) -> None:
        self.twilio.behaviour = refuses(21211)


async def fake(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    yield FakeBench()


async def console_in_memory(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    yield ConsoleBench(StringIO())


async def console_on_a_pipe(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield ConsoleBench(stream, reader)
    os.close(reader)


async def twilio(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    with TwilioStandIn() as stand_in:
        opening = open_twilio_messenger(
            stand_in.account_sid,
            stand_in.auth_token,
            sender="+15005550006",
            api_base=stand_in.url,
        )
        async with opening as sender:
            yield TwilioBench(sender, stand_in)


class OutsideBench(Bench):
    """A sender from outside; nobody but its owner can look at what it sent."""

    def shown(self) -> str:
        pytest.skip("what a phone got cannot be seen from outside")

    def break_down(self) -> None:
        pytest.skip("a sender cannot be broken from outside")

    def refuse_number(self) -> None:
        pytest.skip("which numbers are bad cannot be arranged from outside")


async def from_outside(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with outside.open_outside(request.getfixturevalue("tmp_path")) as sender:
        yield OutsideBench(sender)


@pytest.fixture(
    params=(
        [from_outside]
        if outside.is_given()
        else [fake, console_in_memory, console_on_a_pipe, twilio]
    ),
    ids=lambda open_one: open_one.__name__,
)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async for bench in request.param(request):
        yield bench


async def test_what_was_accepted_went_out_to_that_phone(bench: Bench) -> None:
    assert await bench.sender.send(PHONE, TEXT) == Handover(Outcome.ACCEPTED)

    shown = bench.shown()
    assert PHONE.e164 in shown
    assert TEXT in shown


async def test_many_texts_at_once_all_go_out_whole(bench: Bench) -> None:
    texts = [f"{number:06} is your code" for number in range(50)]

    answers = await asyncio.gather(*(bench.sender.send(PHONE, text) for text in texts))

    shown = bench.shown()
    assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}
    assert [text for text in texts if shown.count(text) != 1] == []


@pytest.mark.parametrize("text", ["", "\n", "नमस्ते 你好 👩‍🚀", "\x00\x1b[2J\ud800", "a" * 5000])
async def test_no_text_makes_it_raise(bench: Bench, text: str) -> None:
    answer = await bench.sender.send(PHONE, text)

    # No carrier takes a text that is empty or goes on for ever.
    assert answer.outcome in (Outcome.ACCEPTED, Outcome.REFUSED)


async def test_one_that_works_is_found_to_work(bench: Bench) -> None:
    await bench.sender.check()


async def test_one_that_is_down_refuses_with_a_reason_that_tells_no_secret(bench: Bench) -> None:
    bench.break_down()

    answer = await bench.sender.send(PHONE, TEXT)

    assert answer.outcome is Outcome.REFUSED
    assert answer.reason
    assert not secrets_in(answer.reason, PHONE)


@pytest.mark.parametrize(
    "bench",
    [from_outside] if outside.is_given() else [fake, twilio],
    indirect=True,
    ids=lambda open_one: open_one.__name__,
)
async def test_a_bad_number_is_told_with_a_reason_that_does_not_hold_it(bench: Bench) -> None:
    bench.refuse_number()

    answer = await bench.sender.send(PHONE, TEXT)

    assert answer.outcome is Outcome.BAD_NUMBER
    assert answer.reason
    assert not secrets_in(answer.reason, PHONE)


async def test_one_that_is_down_is_found_to_be_down(bench: Bench) -> None:
    bench.break_down()

    with pytest.raises(MessengerUnavailable) as refusal:
        await bench.sender.check()

    assert str(refusal.value)


def secrets_in(text: str, phone: PhoneNumber) -> list[str]:
    return [secret for secret in (phone.e164, phone.e164[1:], "012345") if secret in text]

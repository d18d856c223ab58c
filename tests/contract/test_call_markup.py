"""The promises of the port that turns instructions into a provider's markup."""

from typing import Any
from urllib.parse import quote

import pytest

from adapters.twilio import TwimlMarkup
from application.ports.call_markup import CallMarkup
from domain.voice.instructions import (
    Dial,
    Gather,
    GoTo,
    HangUp,
    Instruction,
    Pause,
    Position,
    Record,
    Reject,
    RejectReason,
    Say,
    Voice,
)
from tests.support import twiml

VOICE = Voice("en-US", "Polly.Joanna")
HINDI = Voice("hi-IN")
MENU = Position("menu", 2)
URL = "https://dialtone.example.org/app/voice/c1?node=menu&visit=2"
STATUS_URL = "https://dialtone.example.org/app/voice/recording?call=c1"


def url_of(position: Position) -> str:
    node = quote(position.node)
    return f"https://dialtone.example.org/app/voice/c1?node={node}&visit={position.visit}"


class MarkupDriver:
    """Markup, and what a call does with it."""

    def __init__(self, markup: CallMarkup, media_type: str) -> None:
        self.markup = markup
        self.media_type = media_type

    def play(self, *instructions: Instruction) -> list[tuple[Any, ...]]:
        """Render instructions, and return what the call does."""
        rendered = self.markup.render(instructions, url_of, STATUS_URL)
        assert rendered.media_type == self.media_type
        return self.read(rendered.text)

    def read(self, text: str) -> list[tuple[Any, ...]]:
        """Read a document as the provider does."""
        raise NotImplementedError


class TwimlDriver(MarkupDriver):
    def __init__(self) -> None:
        super().__init__(TwimlMarkup(), "text/xml")

    def read(self, text: str) -> list[tuple[Any, ...]]:
        return twiml.play(text)


@pytest.fixture(params=[TwimlDriver], ids=["twilio"])
def driver(request: pytest.FixtureRequest) -> MarkupDriver:
    driver: MarkupDriver = request.param()
    return driver


def test_speech_comes_in_its_order_with_its_language_and_voice(driver: MarkupDriver) -> None:
    steps = driver.play(Say("Welcome.", VOICE), Pause(2), Say("नमस्ते", HINDI))

    assert steps == [
        ("Say", "Welcome.", "en-US", "Polly.Joanna"),
        ("Pause", "2"),
        ("Say", "नमस्ते", "hi-IN", ""),
    ]


def test_a_menu_says_its_prompt_and_continues_at_its_position(driver: MarkupDriver) -> None:
    prompt = (Say("Press 1 or say yes.", VOICE), Pause(1))

    steps = driver.play(
        Say("Hello.", VOICE), Gather(prompt, MENU, VOICE, ("yes", "yes please"), 1, 7)
    )

    assert steps == [
        ("Say", "Hello.", "en-US", "Polly.Joanna"),
        (
            "Gather",
            [("Say", "Press 1 or say yes.", "en-US", "Polly.Joanna"), ("Pause", "1")],
            URL,
            "1",
            "7",
            "en-US",
            "yes,yes please",
        ),
    ]


def test_keys_alone_need_no_language(driver: MarkupDriver) -> None:
    [step] = driver.play(Gather((), MENU, VOICE, ("yes",), keys=6, with_speech=False))

    assert step == ("Gather", [], URL, "6", "5", "", "")


def test_a_call_is_connected_within_limits(driver: MarkupDriver) -> None:
    assert driver.play(Dial("+14155550001", MENU, 20, 3600)) == [
        ("Dial", [("Number", "+14155550001")], URL, "20", "3600")
    ]


def test_a_recording_is_reported_and_continues_at_its_position(driver: MarkupDriver) -> None:
    assert driver.play(Record(MENU, 120, 5)) == [("Record", URL, "120", "5", STATUS_URL)]


@pytest.mark.parametrize(
    ("instruction", "step"),
    [
        (GoTo(MENU), ("Redirect", URL)),
        (HangUp(), ("Hangup",)),
        (Reject(), ("Reject", "busy")),
        (Reject(RejectReason.NOT_IN_SERVICE), ("Reject", "rejected")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_call_continues_elsewhere_ends_or_is_rejected(
    driver: MarkupDriver, instruction: Instruction, step: tuple[str, ...]
) -> None:
    assert driver.play(instruction) == [step]


@pytest.mark.parametrize(
    "last",
    [
        GoTo(MENU),
        HangUp(),
        Reject(),
        Dial("+14155550001", MENU),
        Record(MENU),
        Gather((), MENU, VOICE),
    ],
    ids=lambda instruction: type(instruction).__name__,
)
def test_nothing_follows_what_ends_the_document(driver: MarkupDriver, last: Instruction) -> None:
    assert driver.play(last, Say("Never said.", VOICE), GoTo(MENU)) == driver.play(last)


def test_a_call_that_was_answered_ends_instead_of_being_rejected(driver: MarkupDriver) -> None:
    assert driver.play(Say("Hello.", VOICE), Reject())[-1] == ("Hangup",)


@pytest.mark.parametrize(
    "text",
    [
        "</Say><Dial>+14155550001</Dial><Say>",
        "Rosa & Söhne say \"<hello>\" & 'goodbye'",
        "]]> <![CDATA[ &amp; &#0; <!-- -->",
        "नमस्ते 你好 👩‍🚀",
        '{"verb": "dial"}',
    ],
)
def test_any_text_is_said_and_is_never_markup(driver: MarkupDriver, text: str) -> None:
    [said] = driver.play(Say(text, VOICE))
    [gathered] = driver.play(Gather((Say(text, VOICE),), MENU, VOICE))

    assert said == ("Say", text, "en-US", "Polly.Joanna")
    assert gathered[1] == [said]


def test_a_position_with_any_name_is_kept(driver: MarkupDriver) -> None:
    position = Position('a&b="<c>" ?', 3)

    [step] = driver.play(GoTo(position))

    assert step == ("Redirect", url_of(position))


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_text_is_not_said(driver: MarkupDriver, text: str) -> None:
    assert driver.play(Say(text, VOICE), HangUp()) == [("Hangup",)]

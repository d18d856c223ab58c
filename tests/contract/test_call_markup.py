"""The promises of the port that turns instructions into a provider's markup."""

from collections.abc import AsyncIterator
from html import escape
from typing import Any, Final
from urllib.parse import quote

import pytest

from adapters.twilio.markup import TwimlMarkup
from application.ports.voice import Markup
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
    Say,
    Voice,
)
from tests.contract.voice_drivers import VOICE_ADAPTERS, VoiceDriver, of_twilio_only
from tests.support import twiml

VOICE = Voice("en-US", "Polly.Joanna")
HINDI = Voice("hi-IN")
MENU = Position("menu", 2)
URL = "https://dialtone.example.org/app/voice/c1?node=menu&visit=2"
STATUS_URL = "https://dialtone.example.org/app/voice/recording?call=c1"


def url_of(position: Position) -> str:
    node = quote(position.node)
    return f"https://dialtone.example.org/app/voice/c1?node={node}&visit={position.visit}"


def play(*instructions: Instruction) -> list[tuple[Any, ...]]:
    """Render instructions, and return what the call does."""
    rendered = TwimlMarkup().render(instructions, url_of, STATUS_URL)
    assert rendered.media_type == "text/xml"
    return twiml.play(rendered.text)


@pytest.fixture(params=VOICE_ADAPTERS, ids=lambda open_driver: open_driver.__name__)
async def driver(request: pytest.FixtureRequest) -> AsyncIterator[VoiceDriver]:
    async for driver in request.param(request):
        yield driver


def render(driver: VoiceDriver, *instructions: Instruction) -> Markup:
    return driver.markup.render(instructions, url_of, STATUS_URL)


ANY_TEXTS: Final = [
    "</Say><Dial>+14155550001</Dial><Say>",
    "Rosa & Söhne say \"<hello>\" & 'goodbye'",
    "]]> <![CDATA[ &amp; &#0; <!-- -->",
    "नमस्ते 你好 👩‍🚀",
    '{"verb": "dial"}',
]
LAST: Final = (
    GoTo(MENU),
    HangUp(),
    Reject(),
    Dial("+14155550001", MENU),
    Record(MENU),
    Gather((), MENU, VOICE),
)


@pytest.mark.parametrize("last", LAST, ids=lambda instruction: type(instruction).__name__)
async def test_nothing_follows_what_waits_or_ends_the_call(
    driver: VoiceDriver, last: Instruction
) -> None:
    markup = render(driver, last)

    assert markup.text
    assert "/" in markup.media_type
    assert render(driver, last, Say("Never said.", VOICE), GoTo(MENU)) == markup


@pytest.mark.parametrize(
    "last",
    [one for one in LAST if not isinstance(one, HangUp | Reject)],
    ids=lambda instruction: type(instruction).__name__,
)
async def test_what_waits_for_an_answer_has_the_url_where_it_continues(
    driver: VoiceDriver, last: Instruction
) -> None:
    text = render(driver, last).text

    assert any(url in text for url in (URL, escape(URL), quote(URL, safe="")))


@pytest.mark.parametrize("text", ANY_TEXTS)
async def test_any_text_is_said_as_it_is(driver: VoiceDriver, text: str) -> None:
    markup = render(driver, Say(text, VOICE), Say("The end.", VOICE))

    assert await driver.said(markup.text) == [text, "The end."]


async def test_no_text_raises_an_exception(driver: VoiceDriver) -> None:
    for text in ("", " \n", "\x00\x1b[2J\ud800", "a" * 5000):
        assert render(driver, Say(text, VOICE), HangUp()).text


@of_twilio_only
def test_speech_comes_in_its_order_with_its_language_and_voice() -> None:
    steps = play(Say("Welcome.", VOICE), Pause(2), Say("नमस्ते", HINDI))

    assert steps == [
        ("Say", "Welcome.", "en-US", "Polly.Joanna"),
        ("Pause", "2"),
        ("Say", "नमस्ते", "hi-IN", ""),
    ]


@of_twilio_only
def test_a_menu_says_its_prompt_and_continues_at_its_position() -> None:
    prompt = (Say("Press 1 or say yes.", VOICE), Pause(1))

    steps = play(Say("Hello.", VOICE), Gather(prompt, MENU, VOICE, ("yes", "yes please"), 7))

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


ANY_NAME = Position('a&b="<c>" ?', 3)


@of_twilio_only
@pytest.mark.parametrize(
    ("instruction", "step"),
    [
        # Keys alone need no language.
        (
            Gather((), MENU, VOICE, ("yes",), with_speech=False),
            ("Gather", [], URL, "1", "5", "", ""),
        ),
        (
            Dial("+14155550001", MENU, 20, 3600),
            ("Dial", [("Number", "+14155550001")], URL, "20", "3600"),
        ),
        (Record(MENU, 120), ("Record", URL, "120", "5", STATUS_URL)),
        (GoTo(MENU), ("Redirect", URL)),
        (GoTo(ANY_NAME), ("Redirect", url_of(ANY_NAME))),
        (HangUp(), ("Hangup",)),
        (Reject(), ("Reject", "busy")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_call_waits_continues_elsewhere_ends_or_is_rejected(
    instruction: Instruction, step: tuple[Any, ...]
) -> None:
    assert play(instruction) == [step]


@of_twilio_only
def test_a_call_that_was_answered_ends_instead_of_being_rejected() -> None:
    assert play(Say("Hello.", VOICE), Reject())[-1] == ("Hangup",)


@of_twilio_only
@pytest.mark.parametrize("text", ANY_TEXTS)
def test_any_text_is_said_and_is_never_markup(text: str) -> None:
    [said] = play(Say(text, VOICE))
    [gathered] = play(Gather((Say(text, VOICE),), MENU, VOICE))

    assert said == ("Say", text, "en-US", "Polly.Joanna")
    assert gathered[1] == [said]


@of_twilio_only
@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_text_is_not_said(text: str) -> None:
    assert play(Say(text, VOICE), HangUp()) == [("Hangup",)]

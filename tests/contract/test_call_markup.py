"""The promises of the port that turns instructions into markup, and the documents of Twilio."""

from typing import Any

import pytest

from adapters.messages.twilio.voice.markup import TwimlMarkup
from domain.features.voice.instructions import (
    Dial,
    Gather,
    GoTo,
    HangUp,
    Instruction,
    Pause,
    Position,
    RecordCaller,
    Reject,
    Say,
    Voice,
)
from tests.contract.suites.voice.drivers import VoiceDriver
from tests.contract.suites.voice.test_call_markup import *
from tests.contract.suites.voice.test_call_markup import MENU, STATUS_URL, URL, VOICE, url_of
from tests.contract.voice_drivers import TwilioVoiceDriver
from tests.support import twiml


@pytest.fixture
def voice_driver() -> VoiceDriver:
    return TwilioVoiceDriver()


def play(*instructions: Instruction) -> list[tuple[Any, ...]]:
    """Render instructions, and return what the call does."""
    rendered = TwimlMarkup().render(instructions, url_of, STATUS_URL)
    assert rendered.media_type == "text/xml"
    return twiml.play(rendered.text)


def test_speech_comes_in_its_order_and_ends_a_call_instead_of_rejecting_it() -> None:
    hindi = Voice("hi-IN")
    steps = play(
        Say("Welcome.", VOICE), Pause(2), Say("नमस्ते", hindi), Say(" \n\t ", VOICE), Reject()
    )

    assert steps == [
        ("Say", "Welcome.", "en-US", "Polly.Joanna"),
        ("Pause", "2"),
        ("Say", "नमस्ते", "hi-IN", ""),
        ("Hangup",),
    ]


ANY_NAME = Position('a&b="<c>" ?', 3)


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
        (RecordCaller(MENU, 120), ("Record", URL, "120", "5", STATUS_URL)),
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

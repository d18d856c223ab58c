"""TwiML is valid whatever the instructions say."""

import pytest

from adapters.messages.twilio.voice.markup import TwimlMarkup
from domain.features.voice.instructions import (
    Gather,
    Instruction,
    Position,
    Say,
    Voice,
)
from tests.support import twiml

VOICE = Voice("en-IN", "Google.en-IN-Neural2-A")
MENU = Position("menu")
URL = "https://dialtone.example.org/voice/c1?state=menu&visit=1"


def render(*instructions: Instruction, status_url: str = "") -> str:
    markup = TwimlMarkup().render(instructions, lambda _: URL, status_url)
    twiml.validate(markup.text)
    return markup.text


def test_a_menu_is_rendered_as_documented() -> None:
    text = render(Gather((Say("Yes or no?", VOICE),), MENU, VOICE, ("yes", "no")))

    assert text == (
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
        '<Gather action="https://dialtone.example.org/voice/c1?state=menu&amp;visit=1"'
        ' actionOnEmptyResult="true" finishOnKey="" hints="yes,no" input="dtmf speech"'
        ' language="en-IN" method="POST" numDigits="1" speechTimeout="2" timeout="5">'
        '<Say language="en-IN" voice="Google.en-IN-Neural2-A">Yes or no?</Say></Gather>'
        '<Redirect method="POST">https://dialtone.example.org/voice/c1?state=menu&amp;visit=1'
        "</Redirect></Response>"
    )


@pytest.mark.parametrize("text", ["word " * 3000, "👩‍🚀" * 1500])
def test_a_long_text_is_said_in_parts_without_a_loss(text: str) -> None:
    said = [say.text or "" for say in twiml.validate(render(Say(text, VOICE)))]

    assert len(said) > 1
    assert "".join("".join(said).split()) == "".join(text.split())

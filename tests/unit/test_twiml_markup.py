"""TwiML is valid whatever the instructions say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.twilio.voice.markup import TwimlMarkup
from domain.voice.instructions import (
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
from tests.support import twiml

VOICE = Voice("en-IN", "Google.en-IN-Neural2-A")
MENU = Position("menu")
URL = "https://dialtone.example.org/voice/c1?node=menu&visit=1"


def render(*instructions: Instruction, status_url: str = "") -> str:
    markup = TwimlMarkup().render(instructions, lambda _: URL, status_url)
    twiml.validate(markup.text)
    return markup.text


def test_a_menu_is_rendered_as_documented() -> None:
    text = render(Gather((Say("Yes or no?", VOICE),), MENU, VOICE, ("yes", "no")))

    assert text == (
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
        '<Gather action="https://dialtone.example.org/voice/c1?node=menu&amp;visit=1"'
        ' actionOnEmptyResult="true" finishOnKey="" hints="yes,no" input="dtmf speech"'
        ' language="en-IN" method="POST" numDigits="1" speechTimeout="2" timeout="5">'
        '<Say language="en-IN" voice="Google.en-IN-Neural2-A">Yes or no?</Say></Gather>'
        '<Redirect method="POST">https://dialtone.example.org/voice/c1?node=menu&amp;visit=1'
        "</Redirect></Response>"
    )


@pytest.mark.parametrize("text", ["word " * 3000, "w" * 9000, "👩‍🚀" * 1500])
def test_a_long_text_is_said_in_parts_without_a_loss(text: str) -> None:
    said = [say.text or "" for say in twiml.validate(render(Say(text, VOICE)))]

    assert len(said) > 1
    assert "".join("".join(said).split()) == "".join(text.split())


def test_a_menu_has_500_hints_and_a_recording_goes_on_after_silence() -> None:
    hints = ("one two", "a\x00b", *(f"word {n}" for n in range(600)))

    one, *_ = twiml.validate(render(Gather((), MENU, VOICE, hints)))
    # Twilio requests no action after silence.
    _record, then = twiml.validate(render(RecordCaller(MENU)))

    rendered = one.attrib["hints"].split(",")
    assert (len(rendered), rendered[:2]) == (500, ["one two", "a b"])
    # The key may be the number sign.
    assert one.attrib["finishOnKey"] == ""
    assert (then.tag, then.text) == ("Redirect", URL)


TEXTS = st.text(st.characters(exclude_categories=()), max_size=300)
WORDS = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=100)
SPEECH = st.one_of(
    st.builds(Say, TEXTS, st.sampled_from([VOICE, Voice("hi-IN")])),
    st.builds(Pause, st.integers(0, 100)),
)
SECONDS = st.integers(5, 120)
INSTRUCTIONS = st.one_of(
    SPEECH,
    st.builds(
        Gather,
        st.lists(SPEECH, max_size=3).map(tuple),
        st.just(MENU),
        st.just(VOICE),
        st.lists(WORDS, max_size=5).map(tuple),
        SECONDS,
        st.booleans(),
    ),
    st.builds(Dial, st.just("+14155550001"), st.just(MENU), SECONDS, SECONDS),
    st.builds(RecordCaller, st.just(MENU), SECONDS),
    st.just(GoTo(MENU)),
    st.just(HangUp()),
    st.just(Reject()),
)


@given(st.lists(INSTRUCTIONS, max_size=6))
def test_any_instructions_become_valid_twiml(instructions: list[Instruction]) -> None:
    render(*instructions)

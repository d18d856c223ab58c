"""The promises of the port that turns instructions into a provider's markup."""

import json
import xml.etree.ElementTree as ET
from typing import Any, Final
from urllib.parse import quote

import pytest

from application.features.voice.ports import Markup
from domain.features.voice.instructions import (
    Dial,
    Gather,
    GoTo,
    HangUp,
    Instruction,
    Position,
    RecordCaller,
    Reject,
    Say,
    Voice,
)
from tests.contract.suites.voice.drivers import VoiceDriver

VOICE: Final = Voice("en-US", "Polly.Joanna")
NUMBER: Final = "+14155550001"
OTHER_NUMBER: Final = "+14155550142"
MENU: Final = Position("menu", 2)
URL: Final = "https://dialtone.example.org/app/voice/c1?state=menu&visit=2"
STATUS_URL: Final = "https://dialtone.example.org/app/voice/recording?call=c1"


def url_of(position: Position) -> str:
    state = quote(position.state)
    return f"https://dialtone.example.org/app/voice/c1?state={state}&visit={position.visit}"


def render(voice_driver: VoiceDriver, *instructions: Instruction) -> Markup:
    return voice_driver.markup.render(instructions, url_of, STATUS_URL)


def texts_in(document: Markup) -> list[str]:
    """Return the texts of a document of JSON or XML, as they are; of another, the whole of it."""
    words = f"render returned a document of {document.media_type} that is none: {document.text}"
    media_type = document.media_type.partition(";")[0].strip().lower()
    try:
        if media_type.endswith("json"):
            return _texts_of(json.loads(document.text))
        if media_type.endswith("xml"):
            elements = ET.fromstring(document.text.encode()).iter()  # noqa: S314 -- the adapter's own
            return [
                text
                for each in elements
                for text in (each.text or "", each.tail or "", *each.attrib.values())
            ]
    except (ValueError, ET.ParseError) as error:
        raise AssertionError(words) from error
    return [document.text]


def _texts_of(content: Any) -> list[str]:
    parts = content.values() if isinstance(content, dict) else content
    if isinstance(parts, str) or not hasattr(parts, "__iter__"):
        return [str(content)]
    return [text for part in parts for text in _texts_of(part)]


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
    Dial(NUMBER, MENU),
    RecordCaller(MENU),
    Gather((), MENU, VOICE),
)


@pytest.mark.parametrize("last", LAST, ids=lambda instruction: type(instruction).__name__)
async def test_nothing_follows_what_waits_or_ends_the_call(
    voice_driver: VoiceDriver, last: Instruction
) -> None:
    markup = render(voice_driver, last)

    assert markup.text
    assert "/" in markup.media_type
    assert render(voice_driver, last, Say("Never said.", VOICE), GoTo(MENU)) == markup


@pytest.mark.parametrize(
    "last",
    [instruction for instruction in LAST if not isinstance(instruction, HangUp | Reject)],
    ids=lambda instruction: type(instruction).__name__,
)
async def test_what_waits_for_an_answer_has_the_url_where_it_continues(
    voice_driver: VoiceDriver, last: Instruction
) -> None:
    texts = texts_in(render(voice_driver, last))
    is_there = any(url in text for text in texts for url in (URL, quote(URL, safe="")))
    assert is_there, f"The document does not have the URL {URL}: {texts!r}"


async def test_a_recording_has_the_url_for_its_status(voice_driver: VoiceDriver) -> None:
    for status_url in (STATUS_URL, f"{STATUS_URL}2"):
        document = voice_driver.markup.render([RecordCaller(MENU)], url_of, status_url)
        texts = texts_in(document)
        encoded = quote(status_url, safe="")
        is_there = any(text.endswith((status_url, encoded)) for text in texts)
        assert is_there, f"The document of a recording lacks the URL {status_url}: {texts!r}"


async def test_the_number_that_is_dialed_sees_the_caller_id(voice_driver: VoiceDriver) -> None:
    for number, caller_id in ((NUMBER, OTHER_NUMBER), (OTHER_NUMBER, NUMBER)):
        document = render(voice_driver, Dial(number, MENU, caller_id=caller_id))
        dialed = await voice_driver.dialed(document.text)
        assert dialed == [(number, caller_id)], (
            f"A Dial of {number} with the caller id {caller_id} connects {dialed}"
        )


async def test_a_document_is_valid_with_any_words_to_recognize(voice_driver: VoiceDriver) -> None:
    hints = (*ANY_TEXTS, '"')
    prompt = (Say("Welcome", VOICE),)
    document = render(voice_driver, Say("First", VOICE), Gather(prompt, MENU, VOICE, hints))
    texts = " ".join(texts_in(document))
    lost = [text for text in ("First", "Welcome") if text not in texts]
    assert not lost, f"The document lacks {lost!r}, which it says before it waits"


async def test_a_call_that_is_rejected_has_a_document_of_its_own(
    voice_driver: VoiceDriver,
) -> None:
    rejected = render(voice_driver, Reject()).text
    answered = {
        "no instruction": render(voice_driver).text,
        "HangUp": render(voice_driver, HangUp()).text,
        "Say": render(voice_driver, Say("", VOICE)).text,
    }
    same = [name for name, text in answered.items() if text == rejected]
    assert not same, (
        f"Reject has the document of {', '.join(same)}: the call is answered, and has its price"
    )


async def test_only_a_call_that_is_rejected_is_not_answered(voice_driver: VoiceDriver) -> None:
    rejected = render(voice_driver, Reject()).text
    assert not await voice_driver.is_answered(rejected), (
        f"A call that is rejected is answered, and has its price: {rejected}"
    )
    for instruction in (Say("Welcome", VOICE), HangUp(), GoTo(MENU)):
        text = render(voice_driver, instruction).text
        assert await voice_driver.is_answered(text), f"is_answered() is False for {text}"


@pytest.mark.parametrize("text", ANY_TEXTS)
async def test_any_text_is_said_as_it_is(voice_driver: VoiceDriver, text: str) -> None:
    markup = render(voice_driver, Say(text, VOICE), Say("The end.", VOICE))

    assert await voice_driver.said(markup.text) == [text, "The end."]


async def test_no_text_raises_an_exception(voice_driver: VoiceDriver) -> None:
    for text in ("", " \n", "\x00\x1b[2J\ud800", "a" * 5000):
        assert render(voice_driver, Say(text, VOICE), HangUp()).text

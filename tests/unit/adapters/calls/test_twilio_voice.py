"""How Twilio's words are read, beyond the promises of the port, and TwiML that is always valid."""

import hashlib
import json
from codecs import BOM_UTF8

import pytest

from adapters.messages.twilio import webhook_fields
from adapters.messages.twilio.message_status import read_message_status
from adapters.messages.twilio.voice.markup import TwimlMarkup
from adapters.messages.twilio.voice.webhook_parser import TwilioWebhookParser
from adapters.messages.twilio.webhook_fields import USED_FIELDS
from application.features.voice.ports import WebhookFields
from application.ports.webhooks import SignedRequest
from domain.features.voice.instructions import Gather, Instruction, Position, Say, Voice
from domain.features.voice.step import Answered, Continued, Recorded
from tests.support import twiml

URL = "https://dialtone.example.org/voice"
RECORDING = "RE" + "0f" * 16
RECORDING_URL = f"https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/{RECORDING}"


def parse(**fields: str) -> WebhookFields:
    return TwilioWebhookParser().parse(SignedRequest(URL, {}, tuple(fields.items())))


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"RecordingUrl": RECORDING_URL, "RecordingDuration": "7"}, Recorded(RECORDING, 7)),
        ({"RecordingUrl": f"{RECORDING_URL}.mp3"}, Recorded(RECORDING)),
        ({"RecordingUrl": "https://evil.test/?/Recordings/RE1"}, Continued()),
        ({"RecordingSid": RECORDING_URL}, Continued()),
        ({"RecordingSid": RECORDING, "RecordingStatus": "failed"}, Continued()),
        ({"RecordingSid": RECORDING, "RecordingDuration": "\u0669"}, Recorded(RECORDING)),
    ],
)
def test_a_recording_is_an_id_and_never_a_url(
    fields: dict[str, str], event: Recorded | Continued
) -> None:
    assert parse(**fields).event == event


def test_a_field_of_json_may_be_a_number_and_another_have_odd_text() -> None:
    content = {"CallSid": "CA1", "Digits": 12, "From": None, "To": ["+14155552671"], "": "NAME"}
    # A BOM, halves of an emoji, bytes that are not UTF-8, and control characters.
    odd_text = rb"\ud83d \\\uDE00 \ude00\ud83d" + b"Jos\xe9 \xed\xa0\xbd \0\x1f\n"
    body = BOM_UTF8 + json.dumps(content).encode().replace(b"NAME", odd_text)
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"

    fields = TwilioWebhookParser().parse(SignedRequest(url, {}, body=body))

    assert (fields.provider_call_id, fields.event) == ("CA1", Answered("12"))
    assert (fields.caller, fields.called) == (None, None)


def test_only_fields_are_read_that_must_not_occur_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    form = dict.fromkeys(USED_FIELDS, "1") | {"From": "+14155552671", "CallStatus": "busy"}
    assert parse(**form) != parse()

    monkeypatch.setattr(webhook_fields, "USED_FIELDS", frozenset())

    assert parse(**form) == parse()


def test_some_errors_say_that_no_sms_reaches_the_number() -> None:
    for status, code, is_unreachable in (
        ("undelivered", "30006", True),
        # Switched off, unknown to the carrier's network.
        ("undelivered", "30003", False),
        ("sent", "30006", False),
    ):
        read = read_message_status({"MessageStatus": status, "ErrorCode": code})
        assert read.is_unreachable is is_unreachable


# TwiML, whatever the instructions say

VOICE = Voice("en-IN", "Google.en-IN-Neural2-A")
MENU = Position("menu")
MENU_URL = "https://dialtone.example.org/voice/c1?state=menu&visit=1"


def render(*instructions: Instruction) -> str:
    markup = TwimlMarkup().render(instructions, lambda _: MENU_URL, "")
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

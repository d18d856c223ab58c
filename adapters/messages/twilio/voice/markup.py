"""TwiML: https://www.twilio.com/docs/voice/twiml."""

import re
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, Final

from twilio.twiml.voice_response import Gather as GatherVerb
from twilio.twiml.voice_response import VoiceResponse

from application.features.voice.ports import Markup
from domain.features.voice.instructions import (
    MAX_SPEECH_HINTS,
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
)

MAX_SAY_LENGTH: Final = 375
"""Characters that every kind of voice reads: 3000 bytes of UTF-8, and 4500 characters of a
URL-encoded text, where one takes up to 12 (https://www.twilio.com/docs/api/errors/13521)."""
SPEECH_TIMEOUT: Final = 2
"""Seconds of silence that end what a caller says. Not "auto": it needs a model of speech
(https://www.twilio.com/docs/api/errors/13335)."""
RECORDING_SILENCE: Final = 5
"""Seconds of silence that end a recording."""

_MEDIA_TYPE: Final = "text/xml"
# XML 1.0, section 2.2: an escaped control character is invalid too.
_NOT_IN_XML: Final = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class TwimlMarkup:
    """Render instructions as TwiML.

    - Any text is escaped; characters that XML does not allow become spaces.
    - A long text is read in several parts, since Twilio does not read it as a whole.
    - Times and hints are within Twilio's limits: those of `domain/features/voice/instructions.py`.
    - Twilio requests the `action` of an empty recording and, with some models of speech, of
      silence not at all: a redirect to the same URL follows.
    """

    def render(
        self,
        instructions: Sequence[Instruction],
        url_of: Callable[[Position], str],
        recording_status_url: str = "",
    ) -> Markup:
        # An instruction that ends the call or waits for an answer is the last one.
        response = VoiceResponse()
        for index, instruction in enumerate(instructions):
            match instruction:
                case Say() | Pause():
                    _add_speech(response, instruction)
                    continue
                case Gather():
                    _add_gather(response, instruction, url_of(instruction.answer_to))
                case Dial():
                    _add_dial(response, instruction, url_of(instruction.answer_to))
                case RecordCaller():
                    url = url_of(instruction.answer_to)
                    _add_record(response, instruction, url, recording_status_url)
                case GoTo():
                    response.redirect(url_of(instruction.position), method="POST")
                case Reject() if index == 0:
                    response.reject(reason="busy")
                case HangUp() | Reject():  # Twilio rejects only calls that it has not answered
                    response.hangup()
            break
        return Markup(_MEDIA_TYPE, response.to_xml())


def _add_speech(parent: Any, speech: Say | Pause) -> None:
    if isinstance(speech, Pause):
        parent.pause(length=max(1, speech.seconds))
        return
    text = " ".join(_NOT_IN_XML.sub(" ", speech.text).split())
    for part in textwrap.wrap(text, MAX_SAY_LENGTH, break_on_hyphens=False):
        parent.say(part, language=speech.voice.language, voice=speech.voice.name or None)


def _add_gather(response: Any, gather: Gather, url: str) -> None:
    attributes: dict[str, Any] = {"input": "dtmf"}
    if gather.with_speech:
        attributes = {
            "input": "dtmf speech",
            "language": gather.voice.language,
            "hints": _NOT_IN_XML.sub(" ", ",".join(gather.hints[:MAX_SPEECH_HINTS])) or None,
            "speech_timeout": SPEECH_TIMEOUT,
        }
    verb = GatherVerb(
        action=url,
        method="POST",
        action_on_empty_result=True,
        num_digits=1,
        finish_on_key="",  # # is an answer like any other; by default it would be ignored
        timeout=gather.timeout_seconds,
        **attributes,
    )
    for speech in gather.prompt:
        _add_speech(verb, speech)
    response.append(verb)
    response.redirect(url, method="POST")


def _add_dial(response: Any, dial: Dial, url: str) -> None:
    verb = response.dial(
        action=url,
        method="POST",
        answer_on_bridge=True,
        timeout=dial.timeout_seconds,
        time_limit=dial.max_seconds,
        # Without it, Twilio passes on an invalid caller ID: error 13214.
        caller_id=dial.caller_id or None,
    )
    verb.number(dial.number)


def _add_record(response: Any, record: RecordCaller, url: str, status_url: str) -> None:
    response.record(
        action=url,
        method="POST",
        max_length=record.max_seconds,
        timeout=RECORDING_SILENCE,
        play_beep=True,
        recording_status_callback=status_url or None,
        recording_status_callback_method="POST" if status_url else None,
    )
    response.redirect(url, method="POST")

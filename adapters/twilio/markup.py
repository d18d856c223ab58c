"""TwiML: https://www.twilio.com/docs/voice/twiml."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from twilio.twiml.voice_response import Gather as GatherVerb
from twilio.twiml.voice_response import VoiceResponse

from application.ports.webhooks import Markup
from domain.voice.instructions import (
    MAX_SPEECH_HINTS,
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
)

MAX_HINT_LENGTH: Final = 100
"""https://www.twilio.com/docs/api/errors/13330"""
MAX_SAY_BYTES: Final = 3000
"""UTF-8 bytes that every kind of voice reads (https://www.twilio.com/docs/api/errors/13521)."""
MAX_SAY_LENGTH: Final = 4500
"""Characters of a URL-encoded text (the same page)."""
MAX_RING_SECONDS: Final = 600
MAX_DIAL_SECONDS: Final = 14_400
MAX_RECORDING_SECONDS: Final = 3600
SPEECH_TIMEOUT: Final = 2
"""Seconds of silence that end what a caller says. Not "auto": it needs a model of speech
(https://www.twilio.com/docs/api/errors/13335)."""

_MEDIA_TYPE: Final = "text/xml"
# XML 1.0, section 2.2: an escaped control character is invalid too.
_NOT_IN_XML: Final = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class TwimlMarkup:
    """Render instructions as TwiML.

    - Any text is escaped; characters that XML does not allow become spaces.
    - A long text is read in several parts, since Twilio does not read it as a whole.
    - Times outside Twilio's limits become the nearest one that it allows.
    - Twilio requests the `action` of an empty recording and, with some models of speech, of
      silence not at all: a redirect to the same URL follows.
    """

    def render(
        self,
        instructions: Sequence[Instruction],
        url_of: Callable[[Position], str],
        recording_status_url: str = "",
    ) -> Markup:
        """Render instructions as one TwiML document.

        An instruction that ends the call or waits for an answer is the last one.
        """
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
                case Record():
                    url = url_of(instruction.answer_to)
                    _add_record(response, instruction, url, recording_status_url)
                case GoTo():
                    response.redirect(url_of(instruction.position), method="POST")
                case Reject() if index == 0:
                    response.reject(reason=instruction.reason.value)
                case HangUp() | Reject():  # Twilio rejects only calls that it has not answered
                    response.hangup()
            break
        return Markup(_MEDIA_TYPE, response.to_xml())


def _add_speech(parent: Any, speech: Say | Pause) -> None:
    if isinstance(speech, Pause):
        parent.pause(length=max(1, speech.seconds))
        return
    for part in _split_text(_NOT_IN_XML.sub(" ", speech.text)):
        parent.say(part, language=speech.voice.language, voice=speech.voice.name or None)


def _add_gather(response: Any, gather: Gather, url: str) -> None:
    attributes: dict[str, Any] = {"input": "dtmf"}
    if gather.with_speech:
        attributes = {
            "input": "dtmf speech",
            "language": gather.voice.language,
            "hints": ",".join(_hints(gather.hints)) or None,
            "speech_timeout": SPEECH_TIMEOUT,
        }
    verb = GatherVerb(
        action=url,
        method="POST",
        action_on_empty_result=True,
        num_digits=max(1, gather.keys),
        # Of one key, # is an answer like any other. By default it would be ignored.
        finish_on_key="" if gather.keys <= 1 else "#",
        timeout=max(1, gather.timeout_seconds),
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
        timeout=_clamp(dial.timeout_seconds, 1, MAX_RING_SECONDS),
        time_limit=_clamp(dial.max_seconds, 1, MAX_DIAL_SECONDS),
        # Without it, Twilio passes on a caller ID that is none: error 13214.
        caller_id=dial.caller_id or None,
    )
    verb.number(dial.number)


def _add_record(response: Any, record: Record, url: str, status_url: str) -> None:
    response.record(
        action=url,
        method="POST",
        max_length=_clamp(record.max_seconds, 2, MAX_RECORDING_SECONDS),
        timeout=max(1, record.silence_seconds),
        play_beep=True,
        recording_status_callback=status_url or None,
        recording_status_callback_method="POST" if status_url else None,
    )
    response.redirect(url, method="POST")


def _hints(words: Sequence[str]) -> list[str]:
    # A comma separates hints.
    hints = (" ".join(_NOT_IN_XML.sub(" ", word).replace(",", " ").split()) for word in words)
    valid_hints = dict.fromkeys(hint for hint in hints if 0 < len(hint) <= MAX_HINT_LENGTH)
    return list(valid_hints)[:MAX_SPEECH_HINTS]


def _split_text(text: str) -> Iterator[str]:
    """Yield the words in parts that Twilio reads."""
    part = ""
    for word in text.split():
        for piece in _split_word(word):
            extended = f"{part} {piece}" if part else piece
            if _is_readable(extended):
                part = extended
            else:
                yield part
                part = piece
    if part:
        yield part


def _split_word(word: str) -> Iterator[str]:
    # Encoded in a URL, a character takes up to twelve.
    size = len(word) if _is_readable(word) else MAX_SAY_LENGTH // 12
    for start in range(0, len(word), size):
        yield word[start : start + size]


def _is_readable(text: str) -> bool:
    return len(text.encode()) <= MAX_SAY_BYTES and len(quote(text, safe="")) <= MAX_SAY_LENGTH


def _clamp(seconds: int, lowest: int, highest: int) -> int:
    return max(lowest, min(seconds, highest))

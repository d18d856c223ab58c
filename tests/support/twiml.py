"""TwiML as Twilio documents it, and what a caller hears of it.

Independent of the adapter: `validate` compares a document with this table of the verbs that the
service may use, `play` reads a valid document.

- https://www.twilio.com/docs/voice/twiml (and a page for each verb)
- https://www.twilio.com/docs/api/errors/13330 (hints), 13335 (speech timeout), 13521 (texts)
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

Check = Callable[[str], bool]

MAX_DOCUMENT_SIZE: Final = 64 * 1024
_MAX_HINTS: Final = 500
_MAX_HINT_LENGTH: Final = 100


def _one_of(*values: str) -> Check:
    return lambda text: text in values


def _number(lowest: int, highest: int = 10**6) -> Check:
    return lambda text: (
        re.fullmatch(r"\d{1,6}", text) is not None and lowest <= int(text) <= highest
    )


def _pattern(pattern: str) -> Check:
    return lambda text: re.fullmatch(pattern, text) is not None


def _is_hints(text: str) -> bool:
    hints = text.split(",")
    return len(hints) <= _MAX_HINTS and all(
        0 < len(hint.strip()) <= _MAX_HINT_LENGTH for hint in hints
    )


def _is_readable(text: str) -> bool:
    """Return whether voices of each kind read the text: basic ones, Polly's and Google's."""
    return bool(text.strip()) and len(text.encode()) <= 3000 and len(quote(text, safe="")) <= 4500


_BOOLEAN: Final = _one_of("true", "false")
_METHOD: Final = _one_of("GET", "POST")
_URL: Final = _pattern(r"https?://[^\s<>\"]+")  # the service names absolute URLs only
_LANGUAGE: Final = _pattern(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")  # BCP 47


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb or noun: its attributes, what it contains, and where it is valid."""

    attributes: Mapping[str, Check] = field(default_factory=dict)
    contains: frozenset[str] = frozenset()
    text: Check = field(default=lambda text: not text.strip())
    required: frozenset[str] = frozenset()
    may_be_followed: bool = True


VERBS: Final[Mapping[str, Verb]] = {
    "Response": Verb(
        contains=frozenset(
            {"Say", "Pause", "Gather", "Dial", "Record", "Redirect", "Hangup", "Reject"}
        )
    ),
    "Say": Verb(
        {
            "language": _LANGUAGE,
            "loop": _number(0),
            "voice": _pattern(r"man|woman|(Polly|Google)\.[A-Za-z0-9-]+"),
        },
        text=_is_readable,
    ),
    "Pause": Verb({"length": _number(1)}),
    "Gather": Verb(
        {
            "action": _URL,
            "actionOnEmptyResult": _BOOLEAN,
            "finishOnKey": _pattern(r"[0-9#*]?"),
            "hints": _is_hints,
            "input": _one_of("dtmf", "speech", "dtmf speech"),
            "language": _LANGUAGE,
            "method": _METHOD,
            "numDigits": _number(1),
            "profanityFilter": _BOOLEAN,
            "speechTimeout": _number(1),
            "timeout": _number(1),
        },
        contains=frozenset({"Say", "Pause"}),
        required=frozenset({"action", "actionOnEmptyResult"}),
    ),
    "Dial": Verb(
        {
            "action": _URL,
            "answerOnBridge": _BOOLEAN,
            "callerId": _pattern(r"\+[1-9]\d{6,14}"),
            "hangupOnStar": _BOOLEAN,
            "method": _METHOD,
            "timeLimit": _number(1, 14_400),
            "timeout": _number(1, 600),
        },
        contains=frozenset({"Number"}),
        required=frozenset({"action"}),
        may_be_followed=False,
    ),
    "Number": Verb(text=_pattern(r"\+[1-9]\d{6,14}")),
    "Record": Verb(
        {
            "action": _URL,
            "finishOnKey": _pattern(r"[0-9#*]*"),
            "maxLength": _number(2, 3600),
            "method": _METHOD,
            "playBeep": _BOOLEAN,
            "recordingStatusCallback": _URL,
            "recordingStatusCallbackMethod": _METHOD,
            "timeout": _number(1),
            "trim": _one_of("trim-silence", "do-not-trim"),
        },
        required=frozenset({"action"}),
    ),
    "Redirect": Verb({"method": _METHOD}, text=_URL, may_be_followed=False),
    "Hangup": Verb(may_be_followed=False),
    "Reject": Verb({"reason": _one_of("busy", "rejected")}, may_be_followed=False),
}


class InvalidTwiml(AssertionError):
    """Twilio would not accept the document, or would not execute all of it."""


def validate(text: str) -> ET.Element:
    """Return the document if Twilio would execute all of it.

    Raises:
        InvalidTwiml
    """
    if len(text.encode()) > MAX_DOCUMENT_SIZE:
        raise InvalidTwiml("The document is too large.")
    try:
        response = ET.fromstring(text.encode())  # noqa: S314 -- the text is our own
    except ET.ParseError as error:
        raise InvalidTwiml(f"Not XML: {error}") from error
    if response.tag != "Response":
        raise InvalidTwiml(f"The document is a <{response.tag}>.")
    _validate_element(response)
    for index, verb in enumerate(response):
        is_last = index == len(response) - 1
        if verb.tag == "Reject" and index > 0:
            raise InvalidTwiml("A call is rejected after it was answered.")
        if not is_last and not VERBS[verb.tag].may_be_followed:
            raise InvalidTwiml(f"No verb after <{verb.tag}> is executed.")
        if verb.tag in ("Gather", "Record") and index < len(response) - 2:
            raise InvalidTwiml(f"After <{verb.tag}> there may only be a redirect.")
    return response


def _validate_element(element: ET.Element) -> None:
    verb = VERBS.get(element.tag)
    if verb is None:
        raise InvalidTwiml(f"No verb <{element.tag}>.")
    for name, value in element.attrib.items():
        if name not in verb.attributes:
            raise InvalidTwiml(f"<{element.tag}> has no attribute {name}.")
        if not verb.attributes[name](value):
            raise InvalidTwiml(f"<{element.tag}> {name}={value!r}")
    if missing := verb.required - element.attrib.keys():
        raise InvalidTwiml(f"<{element.tag}> needs {sorted(missing)}.")
    if not verb.text(element.text or ""):
        raise InvalidTwiml(f"<{element.tag}> contains {element.text!r}.")
    for child in element:
        if child.tag not in verb.contains:
            raise InvalidTwiml(f"<{child.tag}> in <{element.tag}>")
        if (child.tail or "").strip():
            raise InvalidTwiml(f"Text between verbs: {child.tail!r}")
        _validate_element(child)


Step = tuple[Any, ...]


def play(text: str) -> list[Step]:
    """Return what the call does: each verb with what matters to the caller.

    Raises:
        InvalidTwiml
    """
    steps: list[Step] = []
    for verb in validate(text):
        if steps and steps[-1][0] in ("gather", "record"):
            continue  # the redirect that repeats its action
        steps.append(_step(verb))
    return steps


def _step(verb: ET.Element) -> Step:
    attributes = verb.attrib
    match verb.tag:
        case "Say":
            return "say", verb.text, attributes["language"], attributes.get("voice", "")
        case "Pause":
            return "pause", int(attributes["length"])
        case "Gather":
            return (
                "gather",
                [_step(child) for child in verb],
                attributes["action"],
                int(attributes["numDigits"]),
                int(attributes["timeout"]),
                attributes.get("language", ""),
                [hint for hint in attributes.get("hints", "").split(",") if hint],
            )
        case "Dial":
            return (
                "dial",
                verb[0].text,
                attributes["action"],
                int(attributes["timeout"]),
                int(attributes["timeLimit"]),
            )
        case "Record":
            return (
                "record",
                attributes["action"],
                int(attributes["maxLength"]),
                int(attributes["timeout"]),
                attributes.get("recordingStatusCallback", ""),
            )
        case "Redirect":
            return "go_to", verb.text
        case "Reject":
            return "reject", attributes["reason"]
        case _:
            return ("hang_up",)

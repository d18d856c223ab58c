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


def _pattern(pattern: str) -> Check:
    return lambda text: re.fullmatch(pattern, text) is not None


def _number(lowest: int, highest: int = 10**6) -> Check:
    return lambda text: text.isdecimal() and lowest <= int(text) <= highest


def _is_hints(text: str) -> bool:
    hints = text.split(",")
    lengths = [len(hint.strip()) for hint in hints]
    return len(hints) <= _MAX_HINTS and all(0 < length <= _MAX_HINT_LENGTH for length in lengths)


def _is_readable(text: str) -> bool:
    """Return whether voices of each kind read the text: basic ones, Polly's and Google's."""
    return bool(text.strip()) and len(text.encode()) <= 3000 and len(quote(text, safe="")) <= 4500


_BOOLEAN: Final = _pattern("true|false")
_METHOD: Final = _pattern("GET|POST")
_URL: Final = _pattern(r"https?://[^\s<>\"]+")  # the service names absolute URLs only
_LANGUAGE: Final = _pattern(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")  # BCP 47
_PHONE: Final = _pattern(r"\+[1-9]\d{6,14}")


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb or noun: its attributes, what it contains, and where it is valid."""

    attributes: Mapping[str, Check] = field(default_factory=dict)
    contains: str = ""
    text: Check = field(default=lambda text: not text.strip())
    required: str = ""
    may_be_followed: bool = True


VERBS: Final[Mapping[str, Verb]] = {
    "Response": Verb(contains="Say Pause Gather Dial Record Redirect Hangup Reject"),
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
            "input": _pattern("dtmf|speech|dtmf speech"),
            "language": _LANGUAGE,
            "method": _METHOD,
            "numDigits": _number(1),
            "profanityFilter": _BOOLEAN,
            "speechTimeout": _number(1),
            "timeout": _number(1),
        },
        contains="Say Pause",
        required="action actionOnEmptyResult",
    ),
    "Dial": Verb(
        {
            "action": _URL,
            "answerOnBridge": _BOOLEAN,
            "callerId": _PHONE,
            "hangupOnStar": _BOOLEAN,
            "method": _METHOD,
            "timeLimit": _number(1, 14_400),
            "timeout": _number(1, 600),
        },
        contains="Number",
        required="action",
        may_be_followed=False,
    ),
    "Number": Verb(text=_PHONE),
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
            "trim": _pattern("trim-silence|do-not-trim"),
        },
        required="action",
    ),
    "Redirect": Verb({"method": _METHOD}, text=_URL, may_be_followed=False),
    "Hangup": Verb(may_be_followed=False),
    "Reject": Verb({"reason": _pattern("busy|rejected")}, may_be_followed=False),
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
    if not set(verb.required.split()) <= element.attrib.keys():
        raise InvalidTwiml(f"<{element.tag}> needs {verb.required}.")
    if not verb.text(element.text or ""):
        raise InvalidTwiml(f"<{element.tag}> contains {element.text!r}.")
    for child in element:
        if child.tag not in verb.contains.split():
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
    get = verb.attrib.get

    def number(name: str) -> int:
        return int(verb.attrib[name])

    match verb.tag:
        case "Say":
            return "say", verb.text, get("language"), get("voice", "")
        case "Pause":
            return "pause", number("length")
        case "Gather":
            prompt = [_step(child) for child in verb]
            hints = [hint for hint in get("hints", "").split(",") if hint]
            keys = (number("numDigits"), number("timeout"))
            return "gather", prompt, get("action"), *keys, get("language", ""), hints
        case "Dial":
            return "dial", verb[0].text, get("action"), number("timeout"), number("timeLimit")
        case "Record":
            limits = (number("maxLength"), number("timeout"))
            return "record", get("action"), *limits, get("recordingStatusCallback", "")
        case "Redirect":
            return "go_to", verb.text
        case "Reject":
            return "reject", get("reason")
        case _:
            return ("hang_up",)

"""TwiML as Twilio documents it, and what a caller hears of it.

Independent of the adapter: `validate` compares a document with this table of the verbs that the
service may use, `play` reads a valid document.

- https://www.twilio.com/docs/voice/twiml (and a page for each verb)
- https://www.twilio.com/docs/api/errors/13330 (hints), 13335 (speech timeout), 13521 (texts)
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

Check = Callable[[str], bool] | range | str
"""A function, a range of whole numbers, or a pattern of the whole text."""

MAX_DOCUMENT_SIZE: Final = 64 * 1024
_POSITIVE: Final = range(1, 10**6)
_BOOLEAN: Final = "true|false"
_METHOD: Final = "GET|POST"
_URL: Final = r"https?://[^\s<>\"]+"  # the service names absolute URLs only
_PHONE: Final = r"\+[1-9]\d{6,14}"


def _is_hints(text: str) -> bool:
    hints = [hint.strip() for hint in text.split(",")]
    return len(hints) <= 500 and all(0 < len(hint) <= 100 for hint in hints)


def _is_readable(text: str) -> bool:
    """Return whether voices of each kind read the text: basic ones, Polly's and Google's."""
    return bool(text.strip()) and len(text.encode()) <= 3000 and len(quote(text, safe="")) <= 4500


ATTRIBUTES: Final[Mapping[str, Check]] = {
    "action": _URL,
    "actionOnEmptyResult": _BOOLEAN,
    "answerOnBridge": _BOOLEAN,
    "callerId": _PHONE,
    "Gather.finishOnKey": "[0-9#*]?",
    "Record.finishOnKey": "[0-9#*]*",
    "hangupOnStar": _BOOLEAN,
    "hints": _is_hints,
    "input": "dtmf|speech|dtmf speech",
    "language": "[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*",  # BCP 47
    "length": _POSITIVE,
    "loop": range(10**6),
    "maxLength": range(2, 3601),
    "method": _METHOD,
    "numDigits": _POSITIVE,
    "playBeep": _BOOLEAN,
    "profanityFilter": _BOOLEAN,
    "reason": "busy|rejected",
    "recordingStatusCallback": _URL,
    "recordingStatusCallbackMethod": _METHOD,
    "speechTimeout": _POSITIVE,
    "timeLimit": range(1, 14_401),
    "Dial.timeout": range(1, 601),
    "timeout": _POSITIVE,
    "trim": "trim-silence|do-not-trim",
    "voice": r"man|woman|(Polly|Google)\.[A-Za-z0-9-]+",
}
"""The values of each attribute; those with the name of a verb are for this verb only."""


class Verb(NamedTuple):
    """A verb or noun: its attributes, what it contains, and where it is valid."""

    attributes: str = ""
    contains: str = ""
    text: Check = r"\s*"
    required: str = ""
    may_be_followed: bool = True


VERBS: Final[Mapping[str, Verb]] = {
    "Response": Verb(contains="Say Pause Gather Dial Record Redirect Hangup Reject"),
    "Say": Verb("language loop voice", text=_is_readable),
    "Pause": Verb("length"),
    "Gather": Verb(
        "action actionOnEmptyResult finishOnKey hints input language method numDigits "
        "profanityFilter speechTimeout timeout",
        contains="Say Pause",
        required="action actionOnEmptyResult",
    ),
    "Dial": Verb(
        "action answerOnBridge callerId hangupOnStar method timeLimit timeout",
        contains="Number",
        required="action",
        may_be_followed=False,
    ),
    "Number": Verb(text=_PHONE),
    "Record": Verb(
        "action finishOnKey maxLength method playBeep recordingStatusCallback "
        "recordingStatusCallbackMethod timeout trim",
        required="action",
    ),
    "Redirect": Verb("method", text=_URL, may_be_followed=False),
    "Hangup": Verb(may_be_followed=False),
    "Reject": Verb("reason", may_be_followed=False),
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
        if name not in verb.attributes.split():
            raise InvalidTwiml(f"<{element.tag}> has no attribute {name}.")
        if not _passes(ATTRIBUTES.get(f"{element.tag}.{name}") or ATTRIBUTES[name], value):
            raise InvalidTwiml(f"<{element.tag}> {name}={value!r}")
    if not set(verb.required.split()) <= element.attrib.keys():
        raise InvalidTwiml(f"<{element.tag}> needs {verb.required}.")
    if not _passes(verb.text, element.text or ""):
        raise InvalidTwiml(f"<{element.tag}> contains {element.text!r}.")
    for child in element:
        if child.tag not in verb.contains.split():
            raise InvalidTwiml(f"<{child.tag}> in <{element.tag}>")
        if (child.tail or "").strip():
            raise InvalidTwiml(f"Text between verbs: {child.tail!r}")
        _validate_element(child)


def _passes(check: Check, text: str) -> bool:
    match check:
        case str():
            return re.fullmatch(check, text) is not None
        case range():
            return text.isdecimal() and int(text) in check
        case _:
            return check(text)


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

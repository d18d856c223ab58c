"""TwiML as Twilio documents it, and what a caller hears of it.

Independent of the adapter: `validate` compares a document with the verbs in `twiml.toml`, `play`
reads a valid document.

https://www.twilio.com/docs/api/errors/13330 (hints), 13335 (speech timeout), 13521 (texts)
"""

import re
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

MAX_DOCUMENT_SIZE: Final = 64 * 1024
VERBS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


class InvalidTwiml(AssertionError):
    """Twilio would not accept the document, or would not execute all of it."""


def validate(text: str) -> ET.Element:
    """Return the document if Twilio would execute all of it.

    Raises:
        InvalidTwiml
    """
    _check(len(text.encode()) <= MAX_DOCUMENT_SIZE, "The document is too large.")
    try:
        response = ET.fromstring(text.encode())  # noqa: S314 -- the text is our own
    except ET.ParseError as error:
        raise InvalidTwiml(f"Not XML: {error}") from error
    _check(response.tag == "Response", f"The document is a <{response.tag}>.")
    _validate_element(response)
    order = " ".join(verb.tag for verb in response)
    _check(_passes(VERBS["Response"]["order"], order), f"Not all verbs are executed: {order}")
    return response


def _validate_element(element: ET.Element) -> None:
    verb = VERBS[element.tag]
    attributes = verb.get("attributes", {})
    for name, value in element.attrib.items():
        _check(name in attributes, f"<{element.tag}> has no attribute {name}.")
        _check(_passes(attributes[name], value), f"<{element.tag}> {name}={value!r}")
    for name in verb.get("required", ()):
        _check(name in element.attrib, f"<{element.tag}> needs {name}.")
    is_text = _passes(verb.get("text", r"\s*"), element.text or "")
    _check(is_text, f"<{element.tag}> contains {element.text!r}.")
    for child in element:
        _check(child.tag in verb.get("contains", ()), f"<{child.tag}> in <{element.tag}>")
        _check(not (child.tail or "").strip(), f"Text between verbs: {child.tail!r}")
        _validate_element(child)


def _check(is_valid: bool, problem: str) -> None:
    if not is_valid:
        raise InvalidTwiml(problem)


def _passes(rule: str, text: str) -> bool:
    if rule == "hints":
        hints = [hint.strip() for hint in text.split(",")]
        return len(hints) <= 500 and all(0 < len(hint) <= 100 for hint in hints)
    if rule == "readable":  # by voices of each kind: basic ones, Polly's and Google's
        is_short = len(text.encode()) <= 3000 and len(quote(text, safe="")) <= 4500
        return bool(text.strip()) and is_short
    low, is_range, high = rule.partition("..")
    if is_range:
        return text.isdecimal() and int(low) <= int(text) <= int(high)
    return re.fullmatch(rule, text) is not None


def play(text: str) -> list[tuple[Any, ...]]:
    """Return what the call does: each verb with what it contains and the attributes to be heard.

    Raises:
        InvalidTwiml
    """
    steps: list[tuple[Any, ...]] = []
    for verb in validate(text):
        if not steps or steps[-1][0] not in ("Gather", "Record"):  # a redirect repeats their action
            steps.append(_step(verb))
    return steps


def _step(verb: ET.Element) -> tuple[Any, ...]:
    rules = VERBS[verb.tag]
    content: list[Any] = [verb.text] if "text" in rules else []
    if "contains" in rules:
        content = [[_step(child) for child in verb]]
    return verb.tag, *content, *(verb.get(name, "") for name in rules.get("heard", ()))

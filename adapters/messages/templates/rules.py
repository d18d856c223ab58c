"""The rules for the text of a message, as it is sent."""

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from domain.otp.messages import measure_sms

MAX_PARTS: Final = 3
"""Maximum parts of a message: each is charged, and parts arrive separately."""
MAX_RETRIEVER_SIZE: Final = 140
"""Bytes that Android's SMS Retriever reads: of the text in UTF-8, and of the encoded SMS.

Its documentation does not say which, so both limits hold.
"""
_DIGITS: Final = re.compile(r"\d{4,}")
_JOINERS: Final = "\u200c\u200d"  # some scripts need them inside words
_LABEL: Final = r"[^\W_](?:[\w-]*[^\W_])?"
_TOP_LEVEL_DOMAIN: Final = r"[^\W\d_][\w-]*[^\W_]"
_LINK: Final = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*://\S*|\bwww\.\S*|{_LABEL}(?:\.{_LABEL})*\.{_TOP_LEVEL_DOMAIN}"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b",
    re.IGNORECASE,
)


class TemplateRule(StrEnum):
    """The rules, by their names in error messages."""

    VISIBLE_CHARACTERS = "visible characters"
    CODE_FIRST = "code first"
    NO_CODE = "no code"
    LENGTH = "length"
    RETRIEVER_SIZE = "140 bytes"
    HASH_LAST = "app hash last"
    DOMAIN_LAST = "domain line last"
    NO_LINK = "no link"


class RuleViolation(NamedTuple):
    """A rule that a text violates, and a message that explains how."""

    rule: TemplateRule
    message: str


def validate_template(
    text: str, code: str, *, app_hash: str | None = None, domain: str | None = None
) -> Iterator[RuleViolation]:
    """Return all rules that a text violates.

    - Visible characters: no control or format character reorders the text or splits the code.
    - Code first: phones fill in the first run of four or more digits, of any script.
    - Length: at most three segments (3GPP TS 23.038 and TS 23.040).
    - App hash last: Android's SMS Retriever reads at most 140 bytes that end with the hash
      (https://developers.google.com/identity/sms-retriever/verify).
    - Domain line last: WebOTP and Apple's domain-bound codes need a last line `@domain #code`
      (https://wicg.github.io/sms-one-time-codes/#format).
    - No link besides that line: carriers filter links, and people should not learn to tap them.
    """
    yield from _check_visible_characters(text)
    yield from _check_code_first(text, code)
    yield from _check_length(text)
    text_before_ending = text
    if app_hash is not None:
        yield from _check_retriever(text, app_hash)
        text_before_ending = text.removesuffix(app_hash)
    if domain is not None:
        expected_line = f"@{domain} #{code}"
        text_before_ending, _, last_line = text.rpartition("\n")
        if last_line != expected_line:
            yield RuleViolation(TemplateRule.DOMAIN_LAST, "the last line is not @{domain} #{code}")
            text_before_ending = text.replace(expected_line, "")
    yield from _check_no_link(text_before_ending)


def validate_notice(text: str, app_name: str) -> Iterator[RuleViolation]:
    """Return all rules that the text of a message without a one-time code violates.

    - Visible characters, length and no link: as in a message with a code.
    - No code: phones would fill in a run of four or more digits. The name of the app may have one,
      because all messages have that name.
    """
    yield from _check_visible_characters(text)
    if not text.strip():
        yield RuleViolation(TemplateRule.VISIBLE_CHARACTERS, "it is empty")
    digits_of_name = _DIGITS.findall(app_name)
    if found := next((run for run in _DIGITS.findall(text) if run not in digits_of_name), None):
        message = f"phones fill in a run of four or more digits; there is {found!r}"
        yield RuleViolation(TemplateRule.NO_CODE, message)
    yield from _check_length(text)
    yield from _check_no_link(text)


def find_link(text: str) -> str | None:
    """Return the first part that phones or carriers may take for a link, or None.

    A link is a URL with a scheme, `www.`, an IPv4 address, or anything like `name.word`: every
    word can become a top-level domain.
    """
    match = _LINK.search(unicodedata.normalize("NFKC", text))
    return match[0] if match else None


def _check_visible_characters(text: str) -> Iterator[RuleViolation]:
    for character in text:
        if not character.isprintable() and character != "\n" and character not in _JOINERS:
            message = f"it contains the invisible character U+{ord(character):04X}"
            yield RuleViolation(TemplateRule.VISIBLE_CHARACTERS, message)
            return


def _check_code_first(text: str, code: str) -> Iterator[RuleViolation]:
    digits = _DIGITS.search(text)
    if digits is None or digits[0] != code:
        found = f"this is {digits[0]!r}, not {{code}}" if digits else "there is none"
        message = f"phones fill in the first run of four or more digits; {found}"
        yield RuleViolation(TemplateRule.CODE_FIRST, message)


def _check_length(text: str) -> Iterator[RuleViolation]:
    length = measure_sms(text)
    if length.parts > MAX_PARTS:
        yield RuleViolation(
            TemplateRule.LENGTH,
            f"it takes {length.parts} messages in {length.encoding}; at most "
            f"{MAX_PARTS} are allowed",
        )


def _check_no_link(text: str) -> Iterator[RuleViolation]:
    if link := find_link(text):
        yield RuleViolation(TemplateRule.NO_LINK, f"{link!r} looks like a link")


def _check_retriever(text: str, app_hash: str) -> Iterator[RuleViolation]:
    # Google does not document whether the encoded SMS or its UTF-8 text counts.
    size_bytes = max(measure_sms(text).size_bytes, len(text.encode()))
    if size_bytes > MAX_RETRIEVER_SIZE:
        yield RuleViolation(
            TemplateRule.RETRIEVER_SIZE,
            f"it has {size_bytes} bytes; Android's SMS Retriever reads {MAX_RETRIEVER_SIZE}",
        )
    if not text.endswith((f" {app_hash}", f"\n{app_hash}")):
        yield RuleViolation(
            TemplateRule.HASH_LAST, "it does not end with a space or a new line and {hash}"
        )

"""What every text has to keep to, as it is sent."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from domain.otp.texts.links import first_link
from domain.otp.texts.sms_length import sms_length

MOST_MESSAGES: Final = 3
"""A text is paid for by the part, and parts arrive one by one."""
RETRIEVER_BYTES: Final = 140
_DIGITS: Final = re.compile(r"\d{4,}")
_JOINERS: Final = "\u200c\u200d"  # some scripts need them inside of words


class Rule(StrEnum):
    """A rule, by the name that operators are told."""

    VISIBLE = "characters that can be seen"
    CODE_FIRST = "code first"
    LENGTH = "length"
    RETRIEVER_LENGTH = "140 bytes"
    HASH_LAST = "app hash last"
    DOMAIN_LAST = "domain line last"
    NO_LINK = "no link"


class BrokenRule(NamedTuple):
    """A rule that a text breaks, and one sentence that says how."""

    rule: Rule
    sentence: str


@dataclass(frozen=True, slots=True)
class Ending:
    """What a text has to end with, besides the words for people: a hash, a domain, or nothing."""

    app_hash: str | None = None
    domain: str | None = None


def broken_rules(text: str, code: str, ending: Ending) -> Iterator[BrokenRule]:
    """Give every rule that this text, with this code in it, breaks.

    - Nothing unseen: no control or format character turns the text around or splits the code.
    - The code first: phones fill in the first run of four or more digits, of any script.
    - At most three messages as in 3GPP TS 23.038 and TS 23.040.
    - For Android's SMS Retriever at most 140 bytes, and the hash at the end
      (https://developers.google.com/identity/sms-retriever/verify).
    - For WebOTP and Apple's domain-bound codes a last line `@domain #code`
      (https://wicg.github.io/sms-one-time-codes/#format).
    - No other link: carriers filter those, and people learn to tap them.
    """
    yield from _unseen(text)
    yield from _not_the_code_first(text, code)
    yield from _too_long(text)
    words = text
    if ending.app_hash is not None:
        yield from _not_for_the_retriever(text, ending.app_hash)
        words = text.removesuffix(ending.app_hash)
    if ending.domain is not None:
        last = f"@{ending.domain} #{code}"
        words, _, found = text.rpartition("\n")
        if found != last:
            yield BrokenRule(Rule.DOMAIN_LAST, "the last line is not @{domain} #{code}")
            words = text.replace(last, "")
    if link := first_link(words):
        yield BrokenRule(Rule.NO_LINK, f"{link!r} looks like a link")


def _unseen(text: str) -> Iterator[BrokenRule]:
    for one in text:
        if not one.isprintable() and one != "\n" and one not in _JOINERS:
            yield BrokenRule(Rule.VISIBLE, f"it holds U+{ord(one):04X}, which nobody sees")
            return


def _not_the_code_first(text: str, code: str) -> Iterator[BrokenRule]:
    run = _DIGITS.search(text)
    if run is None or run[0] != code:
        found = f"{run[0]!r} is" if run else "there is none"
        yield BrokenRule(
            Rule.CODE_FIRST,
            f"phones fill in the first run of four or more digits, and {found}, not {{code}} alone",
        )


def _too_long(text: str) -> Iterator[BrokenRule]:
    length = sms_length(text)
    if length.messages > MOST_MESSAGES:
        yield BrokenRule(
            Rule.LENGTH,
            f"it takes {length.messages} messages in {length.alphabet}, and at most "
            f"{MOST_MESSAGES} are sent",
        )


def _not_for_the_retriever(text: str, app_hash: str) -> Iterator[BrokenRule]:
    # Which bytes are meant is not said: on the air, or as the phone hands the text on.
    length = max(sms_length(text).octets, len(text.encode()))
    if length > RETRIEVER_BYTES:
        yield BrokenRule(
            Rule.RETRIEVER_LENGTH,
            f"it has {length} bytes, and Android's SMS Retriever reads {RETRIEVER_BYTES}",
        )
    if not text.endswith((f" {app_hash}", f"\n{app_hash}")):
        yield BrokenRule(Rule.HASH_LAST, "it does not end with a space or a new line and {hash}")

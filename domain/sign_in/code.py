"""A code as somebody typed it."""

import re
import unicodedata
from dataclasses import dataclass

from domain.errors import ValueRefused
from domain.sign_in.challenge import CODE_DIGITS

LONGEST_SPELLING = 40
_DROPPED = re.compile(r"[\s\u200b\u2060\-\u2010-\u2015\u2212\uFE63\uFF0D]")


@dataclass(frozen=True, slots=True, repr=False)
class Code:
    """Six ASCII digits. The repr hides them, so that they cannot get into a log."""

    digits: str

    def __repr__(self) -> str:
        return "Code(******)"


def parse_code(text: str) -> Code:
    """Read a code: spaces and hyphens are dropped, digits of any script are read.

    Raises:
        ValueRefused: what is left is not six digits.
    """
    kept = _DROPPED.sub("", text) if len(text) <= LONGEST_SPELLING else ""
    if len(kept) != CODE_DIGITS or not kept.isdecimal():
        raise ValueRefused(f"A code is {CODE_DIGITS} digits, as in the message.")
    return Code("".join(str(unicodedata.decimal(digit)) for digit in kept))

"""A code as somebody typed it."""

import re
import unicodedata
from dataclasses import dataclass

from domain.errors import InvalidValue
from domain.otp.challenge import OTP_LENGTH

MAX_INPUT_LENGTH = 40
_DROPPED = re.compile(r"[\s\u200b\u2060\-\u2010-\u2015\u2212\uFE63\uFF0D]")


@dataclass(frozen=True, slots=True, repr=False)
class OtpCode:
    """Six ASCII digits. The repr hides them, so that they cannot get into a log."""

    digits: str

    def __repr__(self) -> str:
        return "Code(******)"


def parse_otp_code(text: str) -> OtpCode:
    """Read a code: spaces and hyphens are dropped, digits of any script are read.

    Raises:
        InvalidValue: what is left is not six digits.
    """
    kept = _DROPPED.sub("", text) if len(text) <= MAX_INPUT_LENGTH else ""
    if len(kept) != OTP_LENGTH or not kept.isdecimal():
        raise InvalidValue(f"A code is {OTP_LENGTH} digits, as in the message.")
    return OtpCode("".join(str(unicodedata.decimal(digit)) for digit in kept))

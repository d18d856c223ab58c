"""How long a text is as an SMS."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.otp.texts.gsm_alphabet import septets_of


class Alphabet(StrEnum):
    """What the characters of an SMS are written in (3GPP TS 23.038 §6.2)."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


# How many units one message holds alone, and each part of a longer one, which begins with six
# octets that say which part it is (3GPP TS 23.040 §9.2.3.24.1).
_ALONE: Final = {Alphabet.GSM7: 160, Alphabet.UCS2: 70}
_PART: Final = {Alphabet.GSM7: 153, Alphabet.UCS2: 67}


@dataclass(frozen=True, slots=True)
class SmsLength:
    """A text's length: `units` are septets or 16-bit words, `messages` is what is paid for."""

    alphabet: Alphabet
    units: int
    messages: int

    @property
    def octets(self) -> int:
        """The bytes of the text on the air, without what a part begins with."""
        return 2 * self.units if self.alphabet is Alphabet.UCS2 else (7 * self.units + 7) // 8


def sms_length(text: str) -> SmsLength:
    """Measure a text; one character outside of GSM-7 makes all of it UCS-2.

    A character is never cut in two: one of two units that does not fit into a part begins the
    next.
    """
    septets = [septets_of(character) for character in text]
    sizes = [size for size in septets if size is not None]
    alphabet = Alphabet.GSM7
    if len(sizes) < len(septets):
        # Phones read UCS-2 as UTF-16, where characters beyond U+FFFF take two words.
        alphabet, sizes = Alphabet.UCS2, [2 if one > "\uffff" else 1 for one in text]
    units = sum(sizes)
    is_alone = units <= _ALONE[alphabet]
    return SmsLength(alphabet, units, 1 if is_alone else _parts(sizes, _PART[alphabet]))


def _parts(sizes: Sequence[int], room: int) -> int:
    parts, left = 1, room
    for size in sizes:
        if size > left:
            parts, left = parts + 1, room
        left -= size
    return parts

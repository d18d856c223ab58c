"""The length of a text as an SMS, and the number of parts that are charged."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, sections 6.2.1 and
# 6.2.1.1). National tables are left out: few carriers support them.
_GSM7_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION: Final = frozenset("\f^{}\\[~]|€")


class SmsEncoding(StrEnum):
    """The encoding of an SMS (3GPP TS 23.038, section 6.2)."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


# The units of a message with one part, and of each part of a longer one, which starts with a
# header of six bytes (3GPP TS 23.040, section 9.2.3.24.1).
_SINGLE_PART_UNITS: Final = {SmsEncoding.GSM7: 160, SmsEncoding.UCS2: 70}
_PART_UNITS: Final = {SmsEncoding.GSM7: 153, SmsEncoding.UCS2: 67}


@dataclass(frozen=True, slots=True)
class SmsLength:
    """The length of a text.

    Attributes:
        units: Septets in GSM-7, UTF-16 code units in UCS-2.
        parts: The number of messages that the carrier charges.
    """

    encoding: SmsEncoding
    units: int
    parts: int

    @property
    def size_bytes(self) -> int:
        """The encoded size, without the headers of parts."""
        if self.encoding is SmsEncoding.UCS2:
            return 2 * self.units
        return (7 * self.units + 7) // 8


def measure_sms(text: str) -> SmsLength:
    """Measure a text as carriers do.

    - One character that GSM-7 lacks makes the whole text UCS-2.
    - A character of two units is not split: if it does not fit, it starts the next part.
    """
    encoding = SmsEncoding.GSM7
    sizes = [_count_septets(character) for character in text]
    if 0 in sizes:
        # Phones decode UCS-2 as UTF-16: characters above U+FFFF take two code units.
        encoding = SmsEncoding.UCS2
        sizes = [2 if character > "\uffff" else 1 for character in text]
    units = sum(sizes)
    if units <= _SINGLE_PART_UNITS[encoding]:
        return SmsLength(encoding, units, 1)
    return SmsLength(encoding, units, _count_parts(sizes, _PART_UNITS[encoding]))


def _count_septets(character: str) -> int:
    if character in _GSM7_BASIC:
        return 1
    # The extension table is reached by an escape septet; 0 stands for "not in GSM-7".
    return 2 if character in _GSM7_EXTENSION else 0


def _count_parts(sizes: Sequence[int], part_units: int) -> int:
    parts, free_units = 1, part_units
    for size in sizes:
        if size > free_units:
            parts, free_units = parts + 1, part_units
        free_units -= size
    return parts

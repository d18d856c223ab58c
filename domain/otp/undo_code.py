"""The code in the message to a former number. It undoes the change of the number."""

import hmac
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

from domain.errors import MalformedOtp
from domain.otp.challenge import drop_separators, join_parts
from domain.phone import PhoneNumber

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Five bits each. 0 and O, and 1 and I, look alike: none of them is in it."""
UNDO_CODE_LENGTH: Final = 12
"""60 bits: nobody guesses one in seven days, however many IPs they have."""
_GROUP_LENGTH: Final = 4
_BITS: Final = 5
_PURPOSE: Final = b"undo_code"
_PURPOSE_OF_USED: Final = b"used_undo_code"
_PURPOSE_OF_DISOWNED: Final = b"disowned_undo_code"
_USED_ID_BYTES: Final = 12
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, repr=False)
class UndoCode:
    """Twelve symbols. The repr hides them, so that a code cannot get into a log."""

    symbols: str

    def __repr__(self) -> str:
        """Return a text without the symbols."""
        return "UndoCode(****)"

    @property
    def text(self) -> str:
        """The code as it is in the message: three groups with hyphens, such as K7QM-2XPA-9RTW."""
        return "-".join(self._groups)

    @property
    def has_groups_of_digits(self) -> bool:
        """Whether all symbols of a group are digits.

        Phones would offer to fill in that group as a code. At the beginning, it would change places
        with the next group in a right-to-left message (UAX #9).
        """
        return any(group.isdigit() for group in self._groups)

    @property
    def _groups(self) -> list[str]:
        starts = range(0, UNDO_CODE_LENGTH, _GROUP_LENGTH)
        return [self.symbols[start : start + _GROUP_LENGTH] for start in starts]

    def is_equal(self, other: "UndoCode") -> bool:
        """Return whether it is the same code, in a time that does not reveal where they differ."""
        return hmac.compare_digest(self.symbols, other.symbols)

    def used_id(self, key: bytes, phone: PhoneNumber, *, by_disown: bool = False) -> str:
        """Derive what is stored when the code was used, in place of the id of a challenge.

        Args:
            key: A pepper of codes.
            phone: The number that got the code.
            by_disown: Whether a disown undid the change, and nobody has sent the code.
        """
        purpose = _PURPOSE_OF_DISOWNED if by_disown else _PURPOSE_OF_USED
        message = join_parts(purpose, phone.e164.encode(), self.symbols.encode())
        return hmac.new(key, message, "sha256").digest()[:_USED_ID_BYTES].hex()


def derive_undo_code(
    key: bytes, identity_id: str, phone: PhoneNumber, undo_until: datetime
) -> UndoCode:
    """Derive the code of one change of an identity's phone, from an HMAC-SHA256.

    The phone is its former number, which gets the code. No two changes of an identity have the same
    deadline.
    """
    deadline = (undo_until - _EPOCH) // timedelta(milliseconds=1)
    change = (identity_id.encode(), phone.e164.encode(), str(deadline).encode())
    derived = (_derive_symbols(key, *change, str(number).encode()) for number in count())
    return next(code for code in derived if not code.has_groups_of_digits)


def parse_undo_code(text: str) -> UndoCode:
    """Parse a code as people type it: upper or lower case, with or without spaces and hyphens.

    Digits of any script and full-width letters are read.

    Raises:
        MalformedOtp: the rest is not twelve symbols of the alphabet.
    """
    kept = unicodedata.normalize("NFKC", drop_separators(text)).upper()
    symbols = "".join(
        str(unicodedata.decimal(symbol)) if symbol.isdecimal() else symbol for symbol in kept
    )
    if len(symbols) != UNDO_CODE_LENGTH or not set(symbols) <= set(ALPHABET):
        raise MalformedOtp(
            f"The code is {UNDO_CODE_LENGTH} letters and digits, as in the message that the number"
            " was changed."
        )
    return UndoCode(symbols)


def _derive_symbols(key: bytes, *change: bytes) -> UndoCode:
    digest = hmac.new(key, join_parts(_PURPOSE, *change), "sha256").digest()
    number = int.from_bytes(digest[:8], "big")
    shifts = range(0, UNDO_CODE_LENGTH * _BITS, _BITS)
    return UndoCode("".join(ALPHABET[number >> shift & len(ALPHABET) - 1] for shift in shifts))

"""Phones with a fixed code: what reviewers of app stores sign in with."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.phone import PhoneNumber
from domain.sign_in.code import Code
from domain.sign_in.send import SendLimits
from domain.sign_in.window import Window

LIMITS: Final = SendLimits(
    phone=(Window(200, timedelta(days=1)),),
    phone_and_address=(),
    cool_down=timedelta(0),
)
"""No cool-down; the daily bound keeps the tries that asks bring at a thousand in a million."""


@dataclass(frozen=True, slots=True)
class FixedCode:
    """The code of a test number until its end date, or for as long as it is set."""

    phone: PhoneNumber
    code: Code
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FixedCodes:
    """All test numbers. Nothing is sent to them; else they are as any phone."""

    numbers: tuple[FixedCode, ...] = ()

    def code(self, phone: PhoneNumber, now: datetime) -> Code | None:
        """The phone's fixed code, or None when it has none (any more)."""
        for number in self.numbers:
            if number.phone == phone and (number.until is None or now < number.until):
                return number.code
        return None

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from domain.otp.challenge import OtpCode
from domain.otp.texts.form import TextForm


@dataclass(frozen=True, slots=True)
class WantedText:
    """A code to be written to a phone of `country`; `lifetime` is how long it still works."""

    country: str
    form: TextForm
    code: OtpCode
    lifetime: timedelta


class MessageTexts(Protocol):
    """The words that a code is sent in."""

    def text(self, wanted: WantedText) -> str:
        """Write the text: the country's own, or the language's, or the usual language's.

        Every text keeps the rules of `domain.otp.texts`; nothing wanted is an error.
        """
        ...

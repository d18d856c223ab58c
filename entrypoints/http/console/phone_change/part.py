"""Changes of the number in the console."""

from typing import Final

from domain.errors import PhoneInUse
from entrypoints.http.console.part import ConsolePart
from entrypoints.words.act_words import NUMBER_HELD

PART: Final = ConsolePart(
    errors={
        PhoneInUse: f"{NUMBER_HELD} The page of the number says until when.",
    },
)

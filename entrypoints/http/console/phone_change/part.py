"""Changes of the number in the console."""

from typing import Final

from domain.errors import PhoneInUse
from entrypoints.http.console.part import ConsolePart

PART: Final = ConsolePart(
    errors={
        PhoneInUse: "The number of this account is held: its latest owner changed to another number"
        " within the last seven days, and may undo that. The page of the number says until when."
    },
)

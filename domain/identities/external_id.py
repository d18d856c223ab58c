"""External ids: what another system calls a user."""

import re
from typing import Final, NewType

from domain.errors import InvalidCharacters, TooLong, TooShort

MAX_EXTERNAL_ID_LENGTH: Final = 128
ExternalId = NewType("ExternalId", str)
"""An id as `parse_external_id` returns it. Two ids are the same if all their characters are."""
_PRINTABLE: Final = re.compile(r"[ -~]*\Z")


def parse_external_id(text: str) -> ExternalId:
    """Parse an id: 1 to 128 printable ASCII characters, kept as they are.

    A space is printable, but not at the beginning or the end, where nobody sees it.

    Raises:
        TooShort, TooLong, InvalidCharacters
    """
    if not text:
        raise TooShort("An external id has at least one character.")
    if len(text) > MAX_EXTERNAL_ID_LENGTH:
        raise TooLong(f"An external id has at most {MAX_EXTERNAL_ID_LENGTH} characters.")
    if not _PRINTABLE.match(text) or text != text.strip():
        raise InvalidCharacters(
            "An external id has printable ASCII characters only, and no space at its ends."
        )
    return ExternalId(text)

"""External ids: what another system calls a user."""

import re
from typing import Final, NewType

from domain.errors import InvalidCharacters, TooLong, TooShort

MAX_EXTERNAL_ID_LENGTH: Final = 128
ExternalId = NewType("ExternalId", str)
"""An id as `parse_external_id` returns it. Two ids are the same if all their characters are."""
EXTERNAL_ID_PATTERN: Final = "^[!-~](?:[ -~]*[!-~])?$"
"""Printable ASCII characters. A space is one, but at an end nobody sees it."""
_EXTERNAL_ID: Final = re.compile(EXTERNAL_ID_PATTERN)


def parse_external_id(text: str) -> ExternalId:
    """Parse an id: 1 to 128 characters of `EXTERNAL_ID_PATTERN`, kept as they are.

    Raises:
        TooShort, TooLong, InvalidCharacters
    """
    if not text:
        raise TooShort("An external id has at least one character.")
    if len(text) > MAX_EXTERNAL_ID_LENGTH:
        raise TooLong(f"An external id has at most {MAX_EXTERNAL_ID_LENGTH} characters.")
    if not _EXTERNAL_ID.fullmatch(text):
        raise InvalidCharacters(
            "An external id has printable ASCII characters only, and no space at its ends."
        )
    return ExternalId(text)

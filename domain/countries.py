"""Countries, by the codes that numbering plans are kept under."""

from typing import Final

import phonenumbers

from domain.errors import InvalidValue

ALL_COUNTRIES: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""Every ISO 3166-1 code (and XK, AC, TA) that has phone numbers of its own."""


def parse_country(text: str) -> str:
    """Parse an ISO country code; the result is in capitals.

    Raises:
        InvalidValue: no country with phone numbers has this code.
    """
    code = text.upper()
    if code not in ALL_COUNTRIES:
        raise InvalidValue("A country is written as its ISO code of two letters, like IN.")
    return code

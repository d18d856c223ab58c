"""Country codes: ISO 3166-1, for the countries that have phone numbers."""

from typing import Final

import phonenumbers

from domain.errors import InvalidValue

ALL_COUNTRIES: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""All ISO 3166-1 codes (and XK, AC, TA) of countries with phone numbers of their own."""


def parse_country(text: str) -> str:
    """Parse an ISO 3166-1 country code. The result is in upper case.

    Raises:
        InvalidValue: the text is not the code of a country with phone numbers.
    """
    code = text.upper()
    # Letters outside ASCII can become a code: "ß" is SS in upper case.
    if not text.isascii() or code not in ALL_COUNTRIES:
        raise InvalidValue("A country is written as its ISO code of two letters, like IN.")
    return code

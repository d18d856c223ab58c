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


def begins_with_country_code(digits: str) -> bool:
    """Return whether numbers of some country begin with these digits, at least with its code."""
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return any(int(digits[:length]) in codes for length in (1, 2, 3) if len(digits) >= length)


def begins_with_trunk_prefix(digits: str) -> bool:
    """Return whether a 0 that is dialled within the country only follows the country code.

    In countries where numbers may begin with 0, such as Italy, nothing is dialled before them.
    """
    for length in (1, 2, 3):
        [country, *_] = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]), ("",))
        trunk_prefix = phonenumbers.ndd_prefix_for_region(country, True) or ""
        if trunk_prefix.startswith("0") and digits[length:].startswith(trunk_prefix):
            return True
    return False


def shortest_mobile_length(digits: str) -> int:
    """Return how many digits the shortest mobile number with the same country code has.

    They include the country code. Where there are no mobile numbers, all numbers count.
    """
    code = next(
        int(digits[:length])
        for length in (1, 2, 3)
        if int(digits[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    )
    lengths = []
    for country in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        numbers = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, country)
        if numbers is not None:
            found = [
                [length for length in kind.possible_length if length > 0]
                for kind in (numbers.mobile, numbers.general_desc)
                if kind is not None
            ]
            lengths += next((each for each in found if each), [])
    return len(str(code)) + min(lengths)

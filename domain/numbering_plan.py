"""What the numbering plan of a country says about a number.

The result is that of `phonenumbers`, from its metadata. Its functions look at all patterns of the
country once to parse a number, once for its type and three times for its region, which takes ten
times as long.
"""

import re
from collections.abc import Callable, Container
from functools import cache
from typing import Final, NamedTuple, Self

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_MAX_COUNTRY_CODE_LENGTH: Final = 3
_MAX_LENGTH: Final = 17
"""Of a national number: libphonenumber knows longer ones than E.164."""
# In the order in which libphonenumber looks at them. Fixed lines and mobile numbers are the last.
_SPECIAL_TYPES: Final = (
    (PhoneNumberType.PREMIUM_RATE, "premium_rate"),
    (PhoneNumberType.TOLL_FREE, "toll_free"),
    (PhoneNumberType.SHARED_COST, "shared_cost"),
    (PhoneNumberType.VOIP, "voip"),
    (PhoneNumberType.PERSONAL_NUMBER, "personal_number"),
    (PhoneNumberType.PAGER, "pager"),
    (PhoneNumberType.UAN, "uan"),
    (PhoneNumberType.VOICEMAIL, "voicemail"),
)


class NumberingPlan(NamedTuple):
    """The country, region and type of a number. Without a region no country has it."""

    country_code: int
    region: str | None
    number_type: int

    @classmethod
    def of(cls, country_code: int, national_number: str) -> Self:
        """Return the plan of a national number, which has no national prefix."""
        country = _find_country(str(country_code))
        for region in country.regions if country else ():
            if region.leading_digits is None or region.leading_digits.match(national_number):
                number_type = region.find_type(national_number)
                if number_type != PhoneNumberType.UNKNOWN or region.has_invalid:
                    return cls(country_code, region.name, number_type)
        return cls(country_code, None, PhoneNumberType.UNKNOWN)

    @classmethod
    def find(cls, text: str) -> Self | None:
        """Return the plan of a number that is written as E.164, as nearly all are.

        None for any other text, and where `phonenumbers.parse` has to decide whether the number
        begins with a national prefix.
        """
        if _E164.fullmatch(text) is None:
            return None
        for end in range(2, 2 + _MAX_COUNTRY_CODE_LENGTH):
            if country := _find_country(text[1:end]):
                national_number = text[end:]
                prefix = country.national_prefix
                if prefix is not None and prefix.match(national_number):
                    return None
                return cls.of(country.code, national_number)
        return None


class _Kind(NamedTuple):
    """The numbers of one type: how long they are, and what matches all digits of one."""

    number_type: int
    lengths: Container[int]
    match: Callable[[str], object | None]


class _Region(NamedTuple):
    """A region: one of several that may share a country code.

    `has_invalid` says that invalid numbers belong to it as well: no other region can have them.
    """

    name: str
    leading_digits: re.Pattern[str] | None
    has_invalid: bool
    all_kinds: _Kind
    kinds_by_length: tuple[tuple[_Kind, ...], ...]

    def find_type(self, national_number: str) -> int:
        length = len(national_number)
        if length not in self.all_kinds.lengths or not self.all_kinds.match(national_number):
            return PhoneNumberType.UNKNOWN
        kinds = self.kinds_by_length[length]
        for number_type, _, match in kinds:
            if match(national_number):
                if number_type != PhoneNumberType.FIXED_LINE:
                    return number_type
                last_type, _, match_last = kinds[-1]
                is_mobile = last_type == PhoneNumberType.MOBILE and match_last(national_number)
                return PhoneNumberType.FIXED_LINE_OR_MOBILE if is_mobile else number_type
        return PhoneNumberType.UNKNOWN


class _Country(NamedTuple):
    """A country code, what national prefixes look like, and the regions that share the code."""

    code: int
    national_prefix: re.Pattern[str] | None
    regions: tuple[_Region, ...]


@cache
def _find_country(code: str) -> _Country | None:
    names = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())
    regions = [
        (name, metadata)
        for name in names
        if (metadata := PhoneMetadata.metadata_for_region_or_calling_code(int(code), name))
    ]
    if not regions:
        return None
    _, main = regions[0]
    return _Country(
        int(code),
        _compile(main.national_prefix_for_parsing),
        tuple(_to_region(name, metadata, is_alone=len(names) == 1) for name, metadata in regions),
    )


def _to_region(name: str, metadata: PhoneMetadata, *, is_alone: bool) -> _Region:
    kinds = [
        _to_kind(number_type, getattr(metadata, attribute))
        for number_type, attribute in _SPECIAL_TYPES
    ]
    if metadata.same_mobile_and_fixed_line_pattern:
        kinds.append(_to_kind(PhoneNumberType.FIXED_LINE_OR_MOBILE, metadata.fixed_line))
    else:
        kinds.append(_to_kind(PhoneNumberType.FIXED_LINE, metadata.fixed_line))
        kinds.append(_to_kind(PhoneNumberType.MOBILE, metadata.mobile))
    leading_digits = None if is_alone else _compile(metadata.leading_digits)
    return _Region(
        name,
        leading_digits,
        is_alone or leading_digits is not None,
        _to_kind(PhoneNumberType.UNKNOWN, metadata.general_desc),
        tuple(
            tuple(kind for kind in kinds if length in kind.lengths)
            for length in range(_MAX_LENGTH + 1)
        ),
    )


def _to_kind(number_type: int, description: phonenumbers.PhoneNumberDesc | None) -> _Kind:
    if description is None or not description.national_number_pattern:
        return _Kind(number_type, (), lambda _: None)
    lengths = description.possible_length or range(_MAX_LENGTH + 1)
    return _Kind(number_type, lengths, re.compile(description.national_number_pattern).fullmatch)


def _compile(pattern: str | None) -> re.Pattern[str] | None:
    return re.compile(pattern) if pattern else None

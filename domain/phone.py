"""Phone numbers: E.164 inside, read as people write them."""

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from domain.errors import InvalidValue

MAX_INPUT_LENGTH = 40
# Digits of any script, one leading plus, and what people put between digits: the punctuation that
# libphonenumber knows (spaces, dashes, dots, slashes, brackets, the long mark of Japanese
# keyboards) and what copied text brings along unseen, like the marks of direction that address
# books put around a number. Letters and tildes are left out: a vanity number or an extension is not
# what a code can be sent to.
_SEPARATORS = (
    r"\s\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    r"()\[\]\uff08\uff09\uff3b\uff3d.\uff0e/\uff0f\-\u2010-\u2015\u2212\u30fc\ufe63\uff0d"
)
_SPELLING = re.compile(rf"[{_SEPARATORS}]*(?P<plus>[+\uff0b])?[{_SEPARATORS}\d]+\Z")
_REJECTED_TYPES = {
    PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.UAN: "a company access number",
    PhoneNumberType.PAGER: "a pager",
    PhoneNumberType.VOICEMAIL: "a voicemail box",
}
_NON_GEOGRAPHIC = "001"
_EXAMPLE = "write it with + and the country code, like +14155552671."


@dataclass(frozen=True, slots=True, repr=False)
class PhoneNumber:
    """A number that exists in a numbering plan and that a code may be sent to.

    `e164` is its one spelling (ITU-T E.164): `+`, country code, national number. The repr
    is masked, so that a number cannot get into a log by accident.
    """

    e164: str

    def __repr__(self) -> str:
        return f"PhoneNumber({self.masked})"

    @property
    def country(self) -> str:
        """The ISO 3166-1 code of the number's country, `ZZ` when there is none."""
        return phonenumbers.region_code_for_number(phonenumbers.parse(self.e164)) or "ZZ"

    @property
    def masked(self) -> str:
        """The country code and the last two digits, the others as asterisks."""
        code = str(phonenumbers.parse(self.e164).country_code)
        hidden = len(self.e164) - 1 - len(code) - 2
        return f"+{code}{'*' * hidden}{self.e164[-2:]}"


def parse_phone(text: str, default_region: str | None = None) -> PhoneNumber:
    """Read a number as people write it.

    With a leading `+` it is the same number everywhere. Without, it is read as a number of
    `default_region`, an ISO code; where there is none, a leading `00` stands for the `+`.

    Raises:
        InvalidValue: it is no number that a code can be sent to; the sentence says why.
    """
    has_plus, digits = _extract_digits(text)
    if has_plus:
        return _parse("+" + digits, None)
    if default_region is None and digits.startswith("00"):
        return _parse("+" + digits[2:], None)
    return _parse(digits, default_region)


def parse_international_phone(text: str) -> PhoneNumber:
    """Read a number whose digits begin with the country code, with or without a `+`.

    This is how the older mobile app writes numbers: separators are dropped and a `+` is put
    before the digits.

    Raises:
        InvalidValue: it is no number that a code can be sent to; the sentence says why.
    """
    _, digits = _extract_digits(text)
    return _parse("+" + digits, None)


def _extract_digits(text: str) -> tuple[bool, str]:
    spelling = _SPELLING.match(text) if len(text) <= MAX_INPUT_LENGTH else None
    if spelling is None:
        raise InvalidValue(f"This is not a phone number; {_EXAMPLE}")
    digits = (str(unicodedata.decimal(one)) for one in text if one.isdecimal())
    return spelling["plus"] is not None, "".join(digits)


def _parse(text: str, region: str | None) -> PhoneNumber:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        raise InvalidValue(f"This is not a phone number; {_EXAMPLE}") from error
    if not phonenumbers.is_valid_number(number):
        raise InvalidValue(f"No numbering plan has this phone number; {_EXAMPLE}")
    if phonenumbers.region_code_for_number(number) in (None, _NON_GEOGRAPHIC):
        raise InvalidValue("This number belongs to no country; use a mobile number.")
    kind = phonenumbers.number_type(number)
    if kind in _REJECTED_TYPES:
        raise InvalidValue(f"This is {_REJECTED_TYPES[kind]}; use a mobile number.")
    return PhoneNumber(phonenumbers.format_number(number, PhoneNumberFormat.E164))

"""Phone numbers: parsed as people write them, kept as E.164."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from domain.errors import InvalidValue

MAX_INPUT_LENGTH: Final = 40
# The punctuation that libphonenumber accepts between digits (spaces, dashes, dots, slashes,
# brackets, the Japanese prolonged sound mark), and the invisible characters of copied text, such as
# the directional marks that contacts apps put around a number. Letters and tildes are not
# separators: no code can be sent to a vanity number or to an extension.
_SEPARATORS: Final = (
    r"\s\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    r"()\[\]\uff08\uff09\uff3b\uff3d.\uff0e/\uff0f\-\u2010-\u2015\u2212\u30fc\ufe63\uff0d"
)
# Digits of any script, with at most one plus before them.
_PHONE: Final = re.compile(rf"[{_SEPARATORS}]*(?P<plus>[+\uff0b])?[{_SEPARATORS}\d]+\Z")
_REJECTED_TYPES: Final = {
    PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.UAN: "a company access number",
    PhoneNumberType.PAGER: "a pager",
    PhoneNumberType.VOICEMAIL: "a voicemail box",
    PhoneNumberType.PERSONAL_NUMBER: "a personal number, which forwards to another",
    PhoneNumberType.TOLL_FREE: "a toll-free number",
}
_NON_GEOGRAPHIC_REGION: Final = "001"
_HINT: Final = "write it with + and the country code, like +14155552671."


@dataclass(frozen=True, slots=True, repr=False)
class PhoneNumber:
    """A valid number to which a code may be sent.

    `e164` is its only form (ITU-T E.164): `+`, country code, national number. The repr is masked,
    so that a number cannot get into a log by accident.
    """

    e164: str

    def __repr__(self) -> str:
        """Return a text with the masked number."""
        return f"PhoneNumber({self.masked})"

    @property
    def country(self) -> str:
        """The ISO 3166-1 code of the number's country, `ZZ` if no country has it."""
        return phonenumbers.region_code_for_number(phonenumbers.parse(self.e164)) or "ZZ"

    @property
    def number_range(self) -> str:
        """The number without its last four digits: 10,000 numbers that often have one owner."""
        return self.e164[:-4]

    @property
    def masked(self) -> str:
        """The number with asterisks for all digits but the country code and the last two."""
        code = str(phonenumbers.parse(self.e164).country_code)
        hidden = len(self.e164) - 1 - len(code) - 2
        return f"+{code}{'*' * hidden}{self.e164[-2:]}"


@dataclass(frozen=True, slots=True)
class PhoneRules:
    """The kinds of numbers to which codes may be sent.

    Fraudsters earn by messages to numbers that are not those of ordinary phones. A number in
    `exceptions` may be of any kind.
    """

    accepts_toll_free: bool = False
    exceptions: frozenset[PhoneNumber] = frozenset()

    def check(self, phone: PhoneNumber) -> None:
        """Check the kind of a number.

        Raises:
            InvalidValue: no code can be sent to this number. The message says why.
        """
        if phone in self.exceptions:
            return
        number = phonenumbers.parse(phone.e164)
        if phonenumbers.region_code_for_number(number) in (None, _NON_GEOGRAPHIC_REGION):
            raise InvalidValue("This number belongs to no country; use a mobile number.")
        number_type = phonenumbers.number_type(number)
        if number_type == PhoneNumberType.TOLL_FREE and self.accepts_toll_free:
            return
        if number_type in _REJECTED_TYPES:
            raise InvalidValue(f"This is {_REJECTED_TYPES[number_type]}; use a mobile number.")


DEFAULT_RULES: Final = PhoneRules()


def parse_phone(
    text: str, default_region: str | None = None, rules: PhoneRules | None = DEFAULT_RULES
) -> PhoneNumber:
    """Parse a number as people write it.

    - A number with a leading `+` is international and does not depend on the region.
    - A number without it is parsed as a number of `default_region`.
    - Without a region, a leading `00` stands for the `+`.

    Args:
        text: the number, with separators and digits of any script.
        default_region: an ISO 3166-1 code, or None.
        rules: the kinds of numbers that are accepted; all kinds for None.

    Raises:
        InvalidValue: no code can be sent to this number. The message says why.
    """
    has_plus, digits = _extract_digits(text)
    if has_plus:
        return _parse("+" + digits, None, rules)
    if default_region is None and digits.startswith("00"):
        return _parse("+" + digits[2:], None, rules)
    return _parse(digits, default_region, rules)


def parse_international_phone(text: str, rules: PhoneRules = DEFAULT_RULES) -> PhoneNumber:
    """Parse a number whose digits begin with the country code, with or without a `+`.

    The legacy API reads numbers this way: it drops separators and puts `+` before the digits.

    Raises:
        InvalidValue: no code can be sent to this number. The message says why.
    """
    _, digits = _extract_digits(text)
    return _parse("+" + digits, None, rules)


def _extract_digits(text: str) -> tuple[bool, str]:
    """Return whether the text has a plus, and its digits as ASCII."""
    match = _PHONE.match(text) if len(text) <= MAX_INPUT_LENGTH else None
    if match is None:
        raise InvalidValue(f"This is not a phone number; {_HINT}")
    digits = (str(unicodedata.decimal(character)) for character in text if character.isdecimal())
    return match["plus"] is not None, "".join(digits)


def _parse(text: str, region: str | None, rules: PhoneRules | None) -> PhoneNumber:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        raise InvalidValue(f"This is not a phone number; {_HINT}") from error
    if not phonenumbers.is_valid_number(number):
        raise InvalidValue(f"No numbering plan has this phone number; {_HINT}")
    phone = PhoneNumber(phonenumbers.format_number(number, PhoneNumberFormat.E164))
    if rules is not None:
        rules.check(phone)
    return phone

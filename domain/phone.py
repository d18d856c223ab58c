"""Phone numbers: parsed as people write them, kept as E.164."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from domain.default_ignorable import drop_default_ignorable
from domain.errors import AmbiguousPhone, InvalidPhone, UnsupportedPhoneType

MAX_PHONE_INPUT_LENGTH: Final = 64
"""Maximum length without invisible characters."""
_COMMAS: Final = ",\u060c\uff0c"
# The punctuation that libphonenumber accepts between digits (spaces, dashes, dots, slashes,
# brackets, the Japanese prolonged sound mark), commas and underscores. Letters and tildes are not
# separators: no code can be sent to a vanity number or to an extension.
_SEPARATORS: Final = (
    r"\s()\[\]\uff08\uff09\uff3b\uff3d.\uff0e/\uff0f\-\u2010-\u2015\u2212\u30fc\ufe63\uff0d"
    rf"_\uff3f{_COMMAS}"
)
# Digits of any script, with at most one plus before them.
_PHONE: Final = re.compile(rf"[{_SEPARATORS}]*(?P<plus>[+\uff0b])?[{_SEPARATORS}\d]+\Z")
_NO_DIGIT: Final = re.compile(r"\D")
_PAUSE: Final = re.compile(rf"[{_COMMAS}](?=.*\d)", re.DOTALL)
"""A comma behind a whole number is a pause: the phone dials the digits behind it later."""
_PERCENT_ENCODED: Final = re.compile("%([2-7][0-9A-F])", re.IGNORECASE)
phonenumbers.enable_pattern_cache()  # more patterns than the `re` module keeps
UNKNOWN_COUNTRY: Final = phonenumbers.UNKNOWN_REGION
"""`ZZ`: no country has the number."""
_ARGENTINA: Final = 54
_MEXICO: Final = 52
# How mobile numbers were dialed until 2019: from abroad, and in Mexico.
_FORMER_MEXICAN_PREFIX: Final = re.compile(r"(?:1|01|04[45])(?=[0-9]{10}\Z)")
_REJECTED_TYPES: Final = {
    PhoneNumberType.PREMIUM_RATE: "is a premium-rate number",
    PhoneNumberType.SHARED_COST: "is a shared-cost number",
    PhoneNumberType.UAN: "is a company access number",
    PhoneNumberType.PAGER: "is a pager",
    PhoneNumberType.VOICEMAIL: "is a voicemail box",
    PhoneNumberType.PERSONAL_NUMBER: "is a personal number, which forwards to another",
    PhoneNumberType.TOLL_FREE: "is a toll-free number",
}
_NO_COUNTRY: Final = (UNKNOWN_COUNTRY, phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY)
_HINT: Final = "write it with + and the country code, like +14155552671."
_NOT_A_PHONE: Final = f"This is not a phone number; {_HINT}"


@dataclass(frozen=True, repr=False)
class PhoneNumber:
    """A valid number to which a code may be sent.

    `e164` is its only form (ITU-T E.164): `+`, country code, national number. The repr is masked,
    so that a number cannot get into a log by accident.
    """

    e164: str
    _parsed: phonenumbers.PhoneNumber | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"PhoneNumber({self.masked})"

    # A request needs these several times, and phonenumbers is slow. They are not kept for other
    # requests: the time would reveal which phones are in use.
    @cached_property
    def country(self) -> str:
        """The ISO 3166-1 code of the number's country, `ZZ` if no country has it."""
        return phonenumbers.region_code_for_number(self._number) or UNKNOWN_COUNTRY

    @cached_property
    def number_type(self) -> int:
        """A value of `PhoneNumberType`, which is `UNKNOWN` for an invalid number."""
        return phonenumbers.number_type(self._number)

    @cached_property
    def _number(self) -> phonenumbers.PhoneNumber:
        return self._parsed or phonenumbers.parse(self.e164)

    @property
    def number_range(self) -> str:
        """The number without its last four digits: 10,000 numbers that often have one owner."""
        return self.e164[:-4]

    @property
    def prefix(self) -> str:
        """The country code and up to three digits: at least six stay open, if it has as many."""
        code = f"+{self._number.country_code}"
        national_length = len(self.e164) - len(code)
        return self.e164[: len(code) + min(3, max(0, national_length - 6))]

    @property
    def masked(self) -> str:
        """The number with asterisks for all digits but the country code and the last two."""
        e164 = self.e164
        shown = len(f"+{self._number.country_code}")
        return e164[:shown] + "*" * (len(e164) - shown - 2) + e164[-2:]


@dataclass(frozen=True, slots=True)
class PhoneRules:
    """The kinds of numbers to which codes may be sent.

    Fraudsters earn by messages to numbers that are not those of ordinary phones. A number in
    `exceptions` may be of any kind.
    """

    exceptions: frozenset[PhoneNumber] = frozenset()

    def prefers(self, phone: PhoneNumber, others: Iterable[PhoneNumber]) -> bool:
        """Return whether this is a mobile number, and none of the others gets codes."""
        is_mobile = phone.number_type == PhoneNumberType.MOBILE
        return is_mobile and all(self._find_problem(other) for other in others)

    def check(self, phone: PhoneNumber) -> None:
        """Check the kind of a number.

        Raises:
            UnsupportedPhoneType: no code can be sent to this number. The message says why.
        """
        if problem := self._find_problem(phone):
            raise UnsupportedPhoneType(f"This {problem}; use a mobile number.")

    def _find_problem(self, phone: PhoneNumber) -> str | None:
        if self.exceptions and phone in self.exceptions:
            return None
        if phone.country in _NO_COUNTRY:
            return "number belongs to no country"
        return _REJECTED_TYPES.get(phone.number_type)


DEFAULT_RULES: Final = PhoneRules()


def parse_phone(
    text: str, default_region: str | None = None, rules: PhoneRules | None = DEFAULT_RULES
) -> PhoneNumber:
    """Parse a number as people write it, or as a `tel:` URI (RFC 3966).

    - Invisible characters are dropped first, such as the marks that contacts apps put around it.
    - A number with a leading `+` is international and does not depend on the region.
    - A number without it is read as a number of `default_region`. It is also read with its country
      code, if it begins with that of the region, or with `0` and that of the region where people
      dial this `0` before national numbers.
    - A leading `00` stands for the `+`.
    - `rules` are the kinds of numbers that are accepted; None accepts all.
    """

    def readings(digits: str) -> list[_Reading]:
        if default_region is None:
            return []
        return [_Reading(digits, default_region), *_with_country_code(digits, default_region)]

    return _parse(text, readings, rules)


def parse_international_phone(
    text: str, default_region: str | None = None, rules: PhoneRules = DEFAULT_RULES
) -> PhoneNumber:
    """Parse a number whose digits begin with the country code, with or without a `+`.

    The legacy API reads numbers this way: it drops separators and puts `+` before the digits. A
    leading `00` stands for the `+`. So does a `0` before the country code of `default_region` where
    people dial this `0` before national numbers.
    """

    def readings(digits: str) -> list[_Reading]:
        if not digits.startswith("0"):
            return [_Reading("+" + digits)]
        if default_region is None:
            return []
        international = _with_country_code(digits, default_region)
        # A national number is no phone here. It only makes an international one ambiguous.
        national = [_Reading(digits, default_region)] if _parse_valid(international) else []
        return international + national

    return _parse(text, readings, rules)


class _Reading(NamedTuple):
    """A text as libphonenumber parses it, in a region."""

    text: str
    region: str | None = None


def _with_country_code(digits: str, region: str) -> list[_Reading]:
    code = str(phonenumbers.country_code_for_region(region))
    # Elsewhere a zero belongs to the number, as in Italy, or is a mistake.
    if phonenumbers.ndd_prefix_for_region(region, True) == "0":
        digits = digits.removeprefix("0")
    return [_Reading("+" + digits)] if digits.startswith(code) else []


def _parse(
    text: str, readings: Callable[[str], list[_Reading]], rules: PhoneRules | None
) -> PhoneNumber:
    text = drop_default_ignorable(text)
    if len(text) > MAX_PHONE_INPUT_LENGTH:
        raise InvalidPhone(_NOT_A_PHONE)
    phones = _parse_valid(_find_readings(_expand_tel_uri(text), readings))
    if not phones:
        raise InvalidPhone(f"No numbering plan has this phone number; {_HINT}")
    phone, *others = phones
    if others and not (rules and rules.prefers(phone, others)):
        raise AmbiguousPhone(f"These digits can be read as two phone numbers; {_HINT}")
    if rules is not None:
        rules.check(phone)
    return phone


def _find_readings(text: str, readings: Callable[[str], list[_Reading]]) -> list[_Reading]:
    def find(part: str) -> list[_Reading]:
        has_plus, digits = _extract_digits(part)
        if has_plus:
            return [_Reading("+" + digits)]
        return readings(digits) + ([_Reading("+" + digits[2:])] if digits[:2] == "00" else [])

    found = find(text)
    pauses = _PAUSE.finditer(text)
    if not found or any(_parse_valid(find(text[: pause.start()])) for pause in pauses):
        raise InvalidPhone(_NOT_A_PHONE)
    return found


def _expand_tel_uri(text: str) -> str:
    """Return the number of a `tel:` URI; other text stays as it is.

    The country code may be in `phone-context`. Unknown parameters are ignored (RFC 3966 §5.4).
    """
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.strip().lower() != "tel":
        return text
    decoded = _PERCENT_ENCODED.sub(lambda code: chr(int(code[1], 16)), rest.lower())
    number, *parameters = decoded.split(";")
    values = dict(parameter.partition("=")[::2] for parameter in parameters)
    if values.get("ext"):
        raise InvalidPhone(_NOT_A_PHONE)
    context = values.get("phone-context", "")
    return context + number if context.startswith("+") and "+" not in number else number


def _extract_digits(text: str) -> tuple[bool, str]:
    """Return whether the text has a plus, and its digits as ASCII."""
    match = _PHONE.match(text)
    if match is None:
        raise InvalidPhone(_NOT_A_PHONE)
    digits = _NO_DIGIT.sub("", text)
    # phonenumbers reads one character after another.
    ascii_digits = digits if digits.isascii() else phonenumbers.normalize_digits_only(digits)
    return match["plus"] is not None, ascii_digits


def _parse_valid(readings: Iterable[_Reading]) -> list[PhoneNumber]:
    """Return the different numbers of those readings that are valid."""
    phones = []
    for reading in readings:
        try:
            phone = _to_phone(phonenumbers.parse(reading.text, reading.region))
        except NumberParseException:
            continue
        if phone.number_type != PhoneNumberType.UNKNOWN:
            phones.append(phone)
    return list(dict.fromkeys(phones))


def _to_phone(number: phonenumbers.PhoneNumber) -> PhoneNumber:
    """Return the number in the one form that we keep.

    - Mexican mobile numbers have no `1` behind the country code anymore.
    - Argentine mobile numbers have a `9` behind it (ITU-T E.164), and many people omit it.
    """
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    national = e164.removeprefix(f"+{number.country_code}")
    if number.country_code == _MEXICO:
        return _parse_e164(f"+{_MEXICO}{_FORMER_MEXICAN_PREFIX.sub('', national)}")
    if number.country_code == _ARGENTINA:
        mobile = _parse_e164(f"+{_ARGENTINA}9{national}")
        if mobile.number_type == PhoneNumberType.MOBILE:
            return mobile
    return PhoneNumber(e164, number)


def _parse_e164(text: str) -> PhoneNumber:
    number = phonenumbers.parse(text)
    return PhoneNumber(phonenumbers.format_number(number, PhoneNumberFormat.E164), number)

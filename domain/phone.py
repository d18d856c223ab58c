"""Phone numbers: E.164 inside, read as people write them."""

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from domain.errors import ValueRefused

LONGEST_SPELLING = 40
# Digits of any script, one leading plus, and what people put between digits (spaces,
# hyphens and dashes, dots, slashes, brackets, invisible joiners). Letters are left out: a
# vanity number or an extension is not what a code can be sent to.
_SPELLING = re.compile(
    r"\s*[+\uFF0B]?[\s\u200b\u2060\u00ad()\uFF08\uFF09.\uFF0E/\\~\-\u2010-\u2015\u2212\uFF0D\d]+\Z"
)
_SEPARATORS = re.compile(r"[^\d]")
_REFUSED_KINDS = {
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

    Without a leading `+` (or `00`) it is read as a number of `default_region`, an ISO code.

    Raises:
        ValueRefused: it is no number that a code can be sent to; the sentence says why.
    """
    if len(text) > LONGEST_SPELLING or not _SPELLING.match(text):
        raise ValueRefused(f"This is not a phone number; {_EXAMPLE}")
    if default_region is None and text.strip().startswith("00"):
        text = "+" + text.strip()[2:]
    try:
        number = phonenumbers.parse(text, default_region)
    except NumberParseException as error:
        raise ValueRefused(f"This is not a phone number; {_EXAMPLE}") from error
    return _taken(number)


def parse_phone_digits(text: str) -> PhoneNumber:
    """Read a number whose digits begin with the country code, with or without a `+`.

    This is how the older mobile app writes numbers: separators are dropped and a `+` is put
    before the digits.

    Raises:
        ValueRefused: it is no number that a code can be sent to; the sentence says why.
    """
    if len(text) > LONGEST_SPELLING or not _SPELLING.match(text):
        raise ValueRefused(f"This is not a phone number; {_EXAMPLE}")
    return parse_phone("+" + _SEPARATORS.sub("", text))


def _taken(number: phonenumbers.PhoneNumber) -> PhoneNumber:
    if not phonenumbers.is_valid_number(number):
        raise ValueRefused(f"No numbering plan has this phone number; {_EXAMPLE}")
    if phonenumbers.region_code_for_number(number) in (None, _NON_GEOGRAPHIC):
        raise ValueRefused("This number belongs to no country; use a mobile number.")
    kind = phonenumbers.number_type(number)
    if kind in _REFUSED_KINDS:
        raise ValueRefused(f"This is {_REFUSED_KINDS[kind]}; use a mobile number.")
    return PhoneNumber(phonenumbers.format_number(number, PhoneNumberFormat.E164))

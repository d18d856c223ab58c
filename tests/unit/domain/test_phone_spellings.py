"""Two spellings of one number are one phone everywhere."""

from collections.abc import Callable
from functools import cache
from typing import Final

import phonenumbers
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from domain.countries import ALL_COUNTRIES
from domain.errors import InvalidValue
from domain.phone import MAX_INPUT_LENGTH, PhoneNumber, parse_international_phone, parse_phone

TAKEN_KINDS: Final = (
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER,
)
ZEROS: Final = [
    "\N{DIGIT ZERO}",
    "\N{ARABIC-INDIC DIGIT ZERO}",
    "\N{EXTENDED ARABIC-INDIC DIGIT ZERO}",
    "\N{DEVANAGARI DIGIT ZERO}",
    "\N{BENGALI DIGIT ZERO}",
    "\N{TAMIL DIGIT ZERO}",
    "\N{THAI DIGIT ZERO}",
    "\N{FULLWIDTH DIGIT ZERO}",
]
SEPARATORS: Final = [
    *" \t\u00a0\u2009\u202f\u3000().-/[]",
    "\N{HYPHEN}",
    "\N{NON-BREAKING HYPHEN}",
    "\N{EN DASH}",
    "\N{MINUS SIGN}",
    "\N{FULLWIDTH HYPHEN-MINUS}",
    "\N{FULLWIDTH SOLIDUS}",
    "\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}",
    "\N{ZERO WIDTH SPACE}",
    "\N{WORD JOINER}",
    "\N{SOFT HYPHEN}",
    "\N{ZERO WIDTH NO-BREAK SPACE}",
    "\N{LEFT-TO-RIGHT MARK}",
    "\N{LEFT-TO-RIGHT EMBEDDING}",
    "\N{POP DIRECTIONAL FORMATTING}",
    "\N{FIRST STRONG ISOLATE}",
    ") ",
    " - ",
]


@cache
def numbers_of_all_countries() -> list[tuple[str, phonenumbers.PhoneNumber]]:
    """A number of each kind of each country."""
    found = [
        (country, phonenumbers.example_number_for_type(country, kind))
        for country in sorted(ALL_COUNTRIES)
        for kind in TAKEN_KINDS
    ]
    return [(country, number) for country, number in found if number is not None]


def e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number that exists, like one of the examples but for its last digits."""
    _, example = draw(st.sampled_from(numbers_of_all_countries()))
    text = e164(example)[:-3] + draw(st.from_regex(r"[0-9]{3}", fullmatch=True))
    try:
        return parse_phone(text).e164
    except InvalidValue:
        assume(False)
        raise


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A number and another way to write it, after the plus."""
    number = draw(numbers())
    written = ""
    for digit in number[1:]:
        zero = draw(st.sampled_from(ZEROS))
        separator = draw(st.sampled_from(["", "", "", "", *SEPARATORS]))
        written += chr(ord(zero) + int(digit)) + separator
    assume(len(written) + len(" +") <= MAX_INPUT_LENGTH)
    return number, written


@given(spellings(), st.sampled_from(["+", "\uff0b", " +", "+ "]))
def test_separators_and_scripts_change_nothing(spelling: tuple[str, str], plus: str) -> None:
    number, written = spelling
    assert parse_phone(plus + written).e164 == number


@given(spellings(), st.sampled_from(["+", "\uff0b", " +", "+ ", "", " "]))
def test_separators_and_scripts_change_nothing_for_the_older_app(
    spelling: tuple[str, str], plus: str
) -> None:
    number, written = spelling
    assert parse_international_phone(plus + written).e164 == number


def test_each_separator_may_stand_between_any_two_digits() -> None:
    digits = "919876543210"
    written = [
        "+" + digits[:place] + separator + digits[place:]
        for separator in SEPARATORS
        for place in range(1, len(digits))
    ]
    read = {one: parse_phone(one) for one in written}
    assert read == dict.fromkeys(written, PhoneNumber("+919876543210"))


@given(numbers())
def test_both_families_read_one_number_as_one_phone(number: str) -> None:
    assert (
        parse_phone(number)
        == parse_international_phone(number)
        == parse_international_phone(number[1:])
    )


@given(numbers(), st.sampled_from(sorted(ALL_COUNTRIES)))
def test_with_a_plus_the_operators_country_changes_nothing(number: str, country: str) -> None:
    assert parse_phone(number, country).e164 == number


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "style", [PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL], ids=["abroad", "home"]
)
def test_numbers_of_every_country_are_read_as_its_people_write_them(style: int) -> None:
    misread = [
        (country, written)
        for country, number in numbers_of_all_countries()
        if (written := phonenumbers.format_number(number, style))
        and parse_phone(written, country).e164 != e164(number)
    ]
    assert misread == []


@pytest.mark.exhaustive
def test_numbers_of_every_country_are_masked_but_for_the_last_two_digits() -> None:
    for _, number in numbers_of_all_countries():
        phone = PhoneNumber(e164(number))
        code = str(number.country_code)
        assert len(phone.masked) == len(phone.e164)
        assert phone.masked.startswith(f"+{code}*")
        assert set(phone.masked[1 + len(code) : -2]) == {"*"}


@given(st.text(max_size=45), st.sampled_from([None, "IN", "US", "IT", "AR"]))
def test_any_text_is_a_phone_that_reads_as_itself_or_is_refused(
    text: str, country: str | None
) -> None:
    try:
        phone = parse_phone(text, country)
    except InvalidValue:
        return
    assert parse_phone(phone.e164) == phone


@given(st.from_regex(r"\+[0-9]{6,12}[0-9 ()./~\\-]{0,8}", fullmatch=True))
@example("+14155552671~5")
def test_both_families_read_what_begins_with_a_plus_as_one_phone_or_both_refuse(text: str) -> None:
    assert _read(parse_phone, text) == _read(parse_international_phone, text)


def _read(read: Callable[[str], PhoneNumber], text: str) -> PhoneNumber | None:
    try:
        phone = read(text)
    except InvalidValue:
        return None
    assert parse_phone(phone.e164) == phone
    return phone

"""Phone numbers of all countries and types, in all spellings."""

from functools import cache
from typing import Final

import phonenumbers
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from domain.countries import ALL_COUNTRIES
from domain.errors import AmbiguousPhone, InvalidValue
from domain.phone import (
    MAX_PHONE_INPUT_LENGTH,
    PhoneNumber,
    PhoneRules,
    parse_international_phone,
    parse_phone,
)
from tests.support.examples import examples

TYPES: Final = PhoneNumberType
ACCEPTED_TYPES: Final = (
    TYPES.FIXED_LINE, TYPES.MOBILE, TYPES.TOLL_FREE, TYPES.VOIP, TYPES.PERSONAL_NUMBER,
)  # fmt: skip
TYPES_OF_NUMBERS: Final = st.sampled_from(ACCEPTED_TYPES)
COUNTRIES: Final = st.sampled_from([None, *sorted(ALL_COUNTRIES)])
TEXTS_WITH_PLUS: Final = st.from_regex(
    r"\+[0-9]{6,12}[0-9 ()./~\\-]{0,8}", fullmatch=True
) | st.from_regex(r"[+\uff0b][ (]?(0|00|011|1|7|44|91|98)[0-9 ]{6,13}", fullmatch=True)
CHARACTERS: Final = st.characters(exclude_categories=())
TEXTS: Final = st.text(CHARACTERS, max_size=45) | st.text(
    CHARACTERS | st.sampled_from("+0123456789 "), max_size=45
)
ZEROS: Final = [*"0\u0660\u06f0\u0966\u09e6\u0be6\u0e50\uff10"]
SEPARATORS: Final = [
    *" \t\u00a0\u2009\u202f\u3000().-/[]",
    *"\u2010\u2011\u2013\u2212\uff0d\uff0f\u30fc",  # dashes and slashes of other scripts
    *"\u200b\u2060\u00ad\ufeff\u200e\u202a\u202c\u2068",  # invisible characters
    ") ",
    " - ",
]


@cache
def example_numbers() -> list[tuple[str, phonenumbers.PhoneNumber]]:
    """Return a number of each accepted type of each country, with the country.

    The example of an Argentine fixed line is a mobile number too, and stored as one.
    """
    candidates = [
        (country, phonenumbers.example_number_for_type(country, number_type))
        for country in sorted(ALL_COUNTRIES)
        for number_type in ACCEPTED_TYPES
    ]
    return [
        (country, number)
        for country, number in candidates
        if number is not None and parse_phone(e164(number), rules=None).e164 == e164(number)
    ]


def e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def parse(text: str, country: str | None = None) -> PhoneNumber | None:
    """Return the number in a text, None for a rejected text."""
    try:
        return parse_phone(text, country)
    except InvalidValue:
        return None


def parse_legacy(text: str) -> PhoneNumber | None:
    try:
        return parse_international_phone(text)
    except InvalidValue:
        return None


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A valid number of any country, and another spelling of its digits."""
    country, number_type = draw(st.sampled_from(sorted(ALL_COUNTRIES))), draw(TYPES_OF_NUMBERS)
    similar = phonenumbers.example_number_for_type(country, number_type)
    assume(similar is not None)
    assert similar is not None
    phone = parse(e164(similar)[:-3] + draw(st.from_regex(r"[0-9]{3}", fullmatch=True)))
    assume(phone is not None)
    assert phone is not None
    number = phone.e164
    spelling = ""
    for digit in number[1:]:
        zero = draw(st.sampled_from(ZEROS))
        separator = draw(st.sampled_from(["", "", "", "", *SEPARATORS]))
        spelling += chr(ord(zero) + int(digit)) + separator
    assume(len(spelling) + len(" +") <= MAX_PHONE_INPUT_LENGTH)
    return number, spelling


@given(spellings(), st.sampled_from(["+", "\uff0b", " +", "+ "]))
def test_separators_and_scripts_do_not_matter(spelling: tuple[str, str], plus: str) -> None:
    number, digits = spelling
    assert parse_phone(plus + digits).e164 == number
    for legacy_plus in (plus, "", " "):
        assert parse_international_phone(legacy_plus + digits).e164 == number


@given(TEXTS_WITH_PLUS, COUNTRIES)
@example("+14155552671~5", None)
@example("+0091 98765 43210", "IN")
@example("+011 91 98765 43210", "US")
@example("+00 51 1 1000000", None)
@settings(max_examples=examples(60))
def test_a_text_with_a_plus_means_the_same_in_every_region_and_api(
    text: str, country: str | None
) -> None:
    assert parse(text, country) == parse(text) == parse_legacy(text)


@pytest.mark.slow
@pytest.mark.parametrize("spelling", ["{}", "00{}", "(0){}"], ids=ascii)
def test_no_number_becomes_another_one_in_its_own_region(spelling: str) -> None:
    assert len(ALL_COUNTRIES) == 245
    ambiguous = set()
    for country, number in example_numbers():
        international = e164(number)[1:]
        phone = parse_phone(f"+{international}", rules=None)
        rules = PhoneRules(exceptions=frozenset({phone}))
        text = spelling.format(international)
        for parse_text in (parse_phone, parse_international_phone):
            try:
                assert parse_text(text, country, rules) == phone, (country, text)
            except AmbiguousPhone:
                ambiguous.add(country)
    assert ambiguous <= {"DE", "ID", "NL", "SC", "SE", "XK"}


# In Germany a valid number may be valid with one more digit as well.
@given(TEXTS, st.sampled_from([None, "IN", "US", "IT", "AR"]))
@settings(max_examples=examples(60))
def test_any_text_is_rejected_or_a_phone_of_a_country(text: str, country: str | None) -> None:
    for phone in (parse(text, country), parse_legacy(text)):
        if phone is not None:
            assert parse(phone.e164) == parse_legacy(phone.e164) == phone
            assert phone.country in ALL_COUNTRIES

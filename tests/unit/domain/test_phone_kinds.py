"""Every kind of number of every country: taken as one phone, or refused as what it is."""

from typing import Final

import phonenumbers
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from domain.countries import ALL_COUNTRIES
from domain.errors import InvalidValue
from domain.phone import PhoneNumber, parse_international_phone, parse_phone
from tests.support.examples import examples
from tests.unit.domain.test_phone_spellings import e164, numbers, numbers_of_all_countries

REFUSED_KINDS: Final = (
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
    PhoneNumberType.PAGER,
    PhoneNumberType.VOICEMAIL,
)
REFUSED: Final = [
    number
    for country in sorted(ALL_COUNTRIES)
    for kind in REFUSED_KINDS
    if (number := phonenumbers.example_number_for_type(country, kind)) is not None
]
OF_NO_COUNTRY: Final = sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
COUNTRIES: Final = st.sampled_from([None, *sorted(ALL_COUNTRIES)])
EXTENSIONS: Final = [
    "{};ext=5", "{} ext. 5", "{} x5", "{}#5", "{},5", "{},,5#", "{}~5", "{} доб. 5", "{}*5",
]  # fmt: skip
INDIAN: Final = st.from_regex(r"([6-8][0-9]|9[02-9]|91)[0-9]{8}", fullmatch=True)


def read(text: str, country: str | None = None) -> PhoneNumber | None:
    try:
        return parse_phone(text, country)
    except InvalidValue:
        return None


def read_digits(text: str) -> PhoneNumber | None:
    try:
        return parse_international_phone(text)
    except InvalidValue:
        return None


@given(st.sampled_from(REFUSED), st.from_regex(r"[0-9]{2}", fullmatch=True))
@settings(max_examples=examples(20))
def test_what_costs_its_owner_or_reaches_nobody_is_refused_however_it_is_written(
    like: phonenumbers.PhoneNumber, last: str
) -> None:
    number = phonenumbers.parse(e164(like)[:-2] + last)
    assume(phonenumbers.is_valid_number(number))
    assume(phonenumbers.number_type(number) in REFUSED_KINDS)
    country = phonenumbers.region_code_for_number(number)
    for style in (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL):
        assert read(phonenumbers.format_number(number, style), country) is None
    assert read_digits(e164(number)) is None


@given(st.sampled_from(OF_NO_COUNTRY), st.from_regex(r"[0-9]{4,12}", fullmatch=True))
@settings(max_examples=examples(10))
def test_a_number_of_no_country_is_refused(code: int, rest: str) -> None:
    assert read(f"+{code}{rest}") is None
    assert read_digits(f"{code}{rest}") is None


def test_the_usual_number_of_no_country_is_refused_for_each_code() -> None:
    for code in OF_NO_COUNTRY:
        number = phonenumbers.example_number_for_non_geo_entity(code)
        assert number is not None
        assert read(e164(number)) is None


# In Germany one digit more or less is another number that there is.
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_extension_does_not_become_a_part_of_the_number(extension: str) -> None:
    assert None not in (read("+4930123456"), read("+49301234565"))
    assert read(extension.format("+4930123456")) is None
    assert read_digits(extension.format("4930123456")) is None


@given(numbers(), st.sampled_from(EXTENSIONS))
@settings(max_examples=examples(10))
def test_a_code_is_sent_to_no_extension(number: str, extension: str) -> None:
    for text in (extension.format(number), extension.format(number[1:])):
        assert read(text) is None
        assert read_digits(text) is None


@given(INDIAN)
@example("9198765432")
@example("9191919191")
@settings(max_examples=examples(20))
def test_an_indian_number_is_one_phone_with_nought_with_code_and_without(ten: str) -> None:
    phone = read(f"+91{ten}")
    assume(phone is not None)
    for text in (
        ten,
        f"0{ten}",
        f"91{ten}",
        f"0091{ten}",
        f"+91 (0) {ten}",
        f"{ten[:5]} {ten[5:]}",
    ):
        assert read(text, "IN") == phone
    assert read_digits(f"91{ten}") == read_digits(f"+91-{ten}") == phone


@pytest.mark.parametrize("style", ["+{code} ({prefix}) {national}", "{prefix}{national}"])
def test_the_prefix_that_people_dial_at_home_makes_no_other_phone(style: str) -> None:
    others = []
    for country, number in numbers_of_all_countries():
        metadata = PhoneMetadata.metadata_for_region(country)
        prefix = metadata and metadata.national_prefix
        national = phonenumbers.national_significant_number(number)
        text = style.format(code=number.country_code, prefix=prefix, national=national)
        if prefix and read(text, country) not in (None, PhoneNumber(e164(number))):
            others.append(text)
    assert others == []


@given(numbers())
@settings(max_examples=examples(12))
def test_any_number_of_a_country_is_read_as_its_people_write_it(number: str) -> None:
    phone = PhoneNumber(number)
    known = phonenumbers.parse(number)
    for style in (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL):
        assert read(phonenumbers.format_number(known, style), phone.country) == phone


@given(
    st.from_regex(r"[+\uff0b][ (]?(0|00|011|1|7|44|91|98)[0-9 ]{6,13}", fullmatch=True), COUNTRIES
)
@example("+0091 98765 43210", "IN")
@example("+011 91 98765 43210", "US")
@example("+00 51 1 1000000", None)
@settings(max_examples=examples(20))
def test_what_begins_with_a_plus_is_the_same_in_every_country_and_family(
    text: str, country: str | None
) -> None:
    assert read(text, country) == read(text) == read_digits(text)


@given(st.text(st.characters(exclude_categories=()) | st.sampled_from("+0123456789 "), max_size=45))
@settings(max_examples=examples(20))
def test_any_text_at_all_is_a_phone_of_a_country_or_refused(text: str) -> None:
    for phone in (read(text), read(text, "IN"), read_digits(text)):
        if phone is not None:
            assert read(phone.e164) == read_digits(phone.e164) == phone
            assert phone.country in ALL_COUNTRIES
            assert phone.masked.count("*") >= 2
            assert phone.masked.rstrip("0123456789").rstrip("*") == f"+{_code(phone)}"


@pytest.mark.parametrize("one", ["9", " ", "+", "\ud800", "\0", "\u0663"], ids=ascii)
def test_nobody_writes_a_number_that_long(one: str) -> None:
    for text in (one * 2_000_000, "+14155552671" + one * 2_000_000):
        assert read(text) is None
        assert read_digits(text) is None


def _code(phone: PhoneNumber) -> int:
    code = phonenumbers.parse(phone.e164).country_code
    assert code is not None
    return code

"""Phone numbers of all countries and types as people write them, and texts that are rejected."""

from functools import cache
from typing import Final

import phonenumbers
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from domain.countries import ALL_COUNTRIES, parse_country
from domain.errors import AmbiguousPhone, InvalidPhone, InvalidValue
from domain.phone import (
    MAX_PHONE_INPUT_LENGTH,
    PhoneNumber,
    PhoneRules,
    parse_international_phone,
    parse_phone,
)
from tests.support.examples import examples

INDIAN_PHONE = PhoneNumber("+919876543210")
HINT = "write it with + and the country code, like +14155552671."


@pytest.mark.parametrize(
    "text",
    [
        # National, with a trunk zero, with the country code, and with both.
        " 98765.43210 ", "09876543210", "0 91 98765 43210",
        # Parentheses around the plus and around a zero that is not dialed.
        "(+91) 98765 43210", "+91 (0) 98765 43210",
        # Digits, plus and separators of other scripts, and separators that no format has.
        "+९१ ९८७६५ ४३२१०", "\uff0b91\u00a098765\u201043210", "98765_43210",
        # RFC 3966: a scheme in any case, percent-encoding, a context, and parameters.
        "TEL: +91 98765 43210", "tel:98765-43210;phone-context=%2B91;isub=12",
        "tel:09876543210;phone-context=example.org;ext=",
        "tel:+91-98765-43210;phone-context=+1;note=a:b",
    ],
)  # fmt: skip
def test_every_spelling_of_an_indian_number_is_one_phone(text: str) -> None:
    assert parse_phone(text, "IN") == INDIAN_PHONE


def test_a_number_may_begin_with_the_digits_of_its_country_code() -> None:
    for text in ("9198765432", "09198765432", "919198765432"):
        assert parse_phone(text, "IN").e164 == "+919198765432"


def test_the_legacy_api_needs_no_plus_and_drops_a_zero_before_the_country_code() -> None:
    for text in ("91,98765_43210", "tel:98765-43210;phone-context=+91"):
        assert parse_international_phone(text) == INDIAN_PHONE
    assert parse_international_phone("0 91 98765 43210", "IN") == INDIAN_PHONE
    # Without the region, this number of Germany would become one of the United States.
    for region in (None, "DE", "IN"):
        with pytest.raises(InvalidPhone):
            parse_international_phone("0102 23456789", region)
    # It reads no national numbers.
    for text in ("9876543210", "09876543210", "9198765432", "09198765432"):
        with pytest.raises(InvalidPhone):
            parse_international_phone(text, "IN")


def test_a_zero_before_the_country_code_is_dropped_only_where_zeros_are_dialed() -> None:
    # A mobile number of Germany has as many digits as this number of New York.
    for parse_text in (parse_phone, parse_international_phone):
        for text in ("0151 23456789", "0 1 212 555 0123"):
            with pytest.raises(InvalidPhone):
                parse_text(text, "US")
    # Italy keeps its zeros: this is a number of Monza.
    assert parse_phone("039 320 1234", "IT").e164 == "+390393201234"
    with pytest.raises(InvalidPhone):
        parse_international_phone("039 312 345 6789", "IT")


def test_two_zeros_replace_the_plus_in_every_region() -> None:
    for region in (None, "US", "JP", "AU"):  # which dial 011, 010 and 0011
        assert parse_phone("0091 98765 43210", region) == INDIAN_PHONE


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("DE", "0 49 1512 3456789"), ("ID", "62812345678"), ("XK", "38343201234"),
        ("BR", "5540041234"),
    ],
)  # fmt: skip
def test_digits_that_are_two_numbers_need_a_plus(region: str, text: str) -> None:
    digits = text.replace(" ", "").removeprefix("0")
    assert parse_phone(f"+{digits}", region, rules=None).e164 == f"+{digits}"
    with pytest.raises(AmbiguousPhone) as error:
        parse_phone(text, region)
    assert error.value.message == f"These digits can be read as two phone numbers; {HINT}"


def test_in_the_legacy_api_a_zero_is_ambiguous_before_a_national_number() -> None:
    assert parse_international_phone("4915123456789", "DE").e164 == "+4915123456789"
    for text, region in (("0 49 1512 3456789", "DE"), ("0 91 1800 1234", "IN")):
        with pytest.raises(AmbiguousPhone):
            parse_international_phone(text, region)


def test_a_number_that_gets_no_codes_makes_no_mobile_number_ambiguous() -> None:
    # With the country code it would be the toll-free number 1800 1234.
    assert parse_phone("9118001234", "IN").e164 == "+919118001234"
    with pytest.raises(AmbiguousPhone):
        parse_phone("9118001234", "IN", rules=None)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("+52 1 55 1234 5678", None), ("044 55 1234 5678", "MX"), ("01 55 1234 5678", "MX"),
    ],
)  # fmt: skip
def test_a_former_mexican_number_is_the_number_of_today(text: str, region: str | None) -> None:
    assert parse_phone(text, region) == PhoneNumber("+525512345678")


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("+54 9 11 2345-6789", None), ("+54 (0) 11 15-2345-6789", None), ("54 11 2345 6789", "AR"),
    ],
)  # fmt: skip
def test_an_argentine_number_is_one_phone_with_or_without_nine(
    text: str, region: str | None
) -> None:
    assert parse_phone(text, region) == PhoneNumber("+5491123456789")


@pytest.mark.parametrize(
    "text",
    [
        # No digits, too few, no country, and more than one plus.
        "", "+91 98765", "+999123456789", "++919876543210", "+91+9876543210",
        # Letters, extensions, other schemes, and characters that nothing separates.
        "1-800-FLOWERS", "tel:+14155552671;ext=5", "tel:", "fax:+14155552671",
        "+1415555267\u0000", "+14155552671\u20e3",
    ],
)  # fmt: skip
def test_both_apis_reject_text_that_is_not_a_number(text: str) -> None:
    for parse in (parse_phone, parse_international_phone):
        with pytest.raises(InvalidValue):
            parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "\u202a+91 98765 43210\u202c",
        "\ufe0f+\ufe0f91\u034f9876\u3164543210\U000e0020",
        "\u200etel:+91-98765-43210\u200e",
        "+" + "\u200d".join("919876543210"),
    ],
)
def test_both_apis_drop_invisible_characters(text: str) -> None:
    for parse in (parse_phone, parse_international_phone):
        for repeated in (text, text + "\u2060" * 1000):
            assert parse(repeated) == INDIAN_PHONE


def test_a_text_has_at_most_64_characters() -> None:
    number = "+919876543210"
    for parse in (parse_phone, parse_international_phone):
        assert parse(number + " " * 51) == INDIAN_PHONE
        for text in (number + " " * 52, "9" * 2_000_000, number + " " * 2_000_000):
            with pytest.raises(InvalidValue):
                parse(text)


NOT_A_PHONE = f"This is not a phone number; {HINT}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", NOT_A_PHONE),
        ("+91 98765", f"No numbering plan has this phone number; {HINT}"),
        ("+870773111632", "This number belongs to no country; use a mobile number."),
        ("+19002345678", "This is a premium-rate number; use a mobile number."),
        (
            "+447012345678",
            "This is a personal number, which forwards to another; use a mobile number.",
        ),
        ("+18002345678", "This is a toll-free number; use a mobile number."),
    ],
)
def test_the_error_says_why_a_number_is_not_accepted(text: str, message: str) -> None:
    with pytest.raises(InvalidValue) as error:
        parse_phone(text)
    assert error.value.message == message


@pytest.mark.parametrize(
    ("e164", "country", "number_range", "masked"),
    [
        ("+919876543210", "IN", "+91987654", "+91********10"),
        ("+14165550123", "CA", "+1416555", "+1********23"),
        ("+6834002", "NU", "+683", "+683**02"),
        ("+14155", "ZZ", "+1", "+1**55"),  # no country has it
    ],
)
def test_a_number_has_a_country_a_range_of_ten_thousand_and_a_masked_form(
    e164: str, country: str, number_range: str, masked: str
) -> None:
    phone = PhoneNumber(e164)
    assert (phone.country, phone.number_range, phone.masked) == (country, number_range, masked)
    assert e164 not in f"{phone!r} {phone} {[phone]}"


@pytest.mark.parametrize(
    ("e164", "prefix"),
    [
        ("+994501234567", "+994501"),
        ("+14165550123", "+1416"),
        ("+4512345678", "+4512"),
        ("+6838884012", "+6838"),
        ("+298211234", "+298"),
        ("+6834002", "+683"),
    ],
)
def test_a_prefix_has_three_digits_and_leaves_six_open(e164: str, prefix: str) -> None:
    assert PhoneNumber(e164).prefix == prefix


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
        if spelling == "(0){}" and phonenumbers.ndd_prefix_for_region(country, True) != "0":
            continue
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


def test_every_country_code_is_parsed_in_any_case() -> None:
    for text in ("", "*", "I", "IND", "XX", "001", " IN", "India"):
        with pytest.raises(InvalidValue, match=r"\AA country is .* ISO code .* like IN\.\Z"):
            parse_country(text)
    assert {parse_country(country) for country in ALL_COUNTRIES} == ALL_COUNTRIES
    assert parse_country("in") == parse_country("In") == "IN"
    assert len(ALL_COUNTRIES) > 200

"""Numbers as people write them, and what is refused as one."""

import pytest

from domain.errors import InvalidValue
from domain.phone import PhoneNumber, parse_international_phone, parse_phone

INDIAN = PhoneNumber("+919876543210")


@pytest.mark.parametrize(
    "text",
    [
        "+919876543210",
        "9876543210",
        "09876543210",
        "919876543210",
        "00919876543210",
        "+91 98765 43210",
        "+91-98765-43210",
        " 98765.43210 ",
        "+91 (98765) 43210",
        "(+91) 98765 43210",
        "+91 (0) 98765 43210",
        "+९१ ९८७६५ ४३२१०",
        "".join(chr(0xFF10 + int(digit)) for digit in "9876543210"),
        "\uff0b91\u00a098765\u201043210",
    ],
)
def test_every_spelling_of_an_indian_number_is_one_phone(text: str) -> None:
    assert parse_phone(text, "IN") == INDIAN


def test_a_number_that_begins_like_its_country_code_is_read_as_it_stands() -> None:
    assert parse_phone("9198765432", "IN") == PhoneNumber("+919198765432")
    assert parse_phone("09198765432", "IN") == PhoneNumber("+919198765432")
    assert parse_phone("919198765432", "IN") == PhoneNumber("+919198765432")


@pytest.mark.parametrize(
    "text", ["919876543210", "+919876543210", "+91 98765-43210", "(91) 98765.43210", "९१९८७६५४३२१०"]
)
def test_the_older_app_writes_the_country_code_first(text: str) -> None:
    assert parse_international_phone(text) == INDIAN


def test_without_a_country_the_country_code_is_needed() -> None:
    with pytest.raises(InvalidValue):
        parse_phone("9876543210")


def test_no_two_other_digits_do_what_two_noughts_do() -> None:
    with pytest.raises(InvalidValue):
        parse_phone("7714155552671")


def test_two_noughts_stand_for_the_plus() -> None:
    assert parse_phone("0091 98765 43210") == INDIAN
    assert parse_phone("0091 98765 43210", "DE") == INDIAN


def test_a_fixed_line_is_taken() -> None:
    assert parse_phone("+912873645289").country == "IN"


def test_a_usual_test_number_is_taken() -> None:
    assert parse_phone("+15005550006").e164 == "+15005550006"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("+19002345678", id="premium rate"),
        pytest.param("+448712345678", id="premium rate elsewhere"),
        pytest.param("+43810123456", id="shared cost"),
        pytest.param("+445512345678", id="company access"),
        pytest.param("+447640123456", id="pager"),
        pytest.param("+41860123456789", id="voicemail"),
        pytest.param("+80012345678", id="no country"),
        pytest.param("+870773111632", id="satellite"),
    ],
)
def test_what_a_code_should_not_be_sent_to_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_phone(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "abc",
        "+1",
        "+91 98765",
        "+999123456789",
        "++919876543210",
        "+91+9876543210",
        "1-800-FLOWERS",
        "+14155552671 ext. 5",
        "+14155552671;ext=5",
        "tel:+14155552671",
        "+1415555267\u0000",
        "+91 98765 43210" + " " * 40,
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    for read in (parse_phone, parse_international_phone):
        with pytest.raises(InvalidValue):
            read(text)


def test_forty_characters_are_read_and_no_more() -> None:
    assert parse_phone("+919876543210" + " " * 27) == INDIAN
    with pytest.raises(InvalidValue):
        parse_phone("+919876543210" + " " * 28)


EXAMPLE = "write it with + and the country code, like +14155552671."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("abc", f"This is not a phone number; {EXAMPLE}"),
        ("9876543210", f"This is not a phone number; {EXAMPLE}"),
        ("+91 98765", f"No numbering plan has this phone number; {EXAMPLE}"),
        ("+80012345678", "This number belongs to no country; use a mobile number."),
        ("+19002345678", "This is a premium-rate number; use a mobile number."),
        ("+43810123456", "This is a shared-cost number; use a mobile number."),
        ("+445512345678", "This is a company access number; use a mobile number."),
        ("+447640123456", "This is a pager; use a mobile number."),
        ("+41860123456789", "This is a voicemail box; use a mobile number."),
    ],
)
def test_the_refusal_says_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse_phone(text)
    assert refusal.value.message == sentence


def test_a_refusal_does_not_repeat_the_number() -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse_phone("+91 98765")
    assert "98765" not in refusal.value.message


@pytest.mark.parametrize(
    ("e164", "masked"),
    [
        ("+919876543210", "+91********10"),
        ("+14155552671", "+1********71"),
        ("+2908123", "+290**23"),
    ],
)
def test_masked_it_shows_the_country_code_and_two_digits(e164: str, masked: str) -> None:
    assert PhoneNumber(e164).masked == masked


def test_a_number_gets_into_no_log() -> None:
    assert INDIAN.e164 not in f"{INDIAN!r} {INDIAN} {[INDIAN]}"


@pytest.mark.parametrize(
    ("text", "country"), [("+919876543210", "IN"), ("+14165550123", "CA"), ("+442083661177", "GB")]
)
def test_it_knows_its_country(text: str, country: str) -> None:
    assert parse_phone(text).country == country


def test_what_no_country_knows_any_more_is_of_none() -> None:
    assert PhoneNumber("+14155").country == "ZZ"


def test_a_number_with_an_extension_is_refused() -> None:
    with pytest.raises(InvalidValue):
        parse_phone("+14155552671~5")

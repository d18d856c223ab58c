"""Phone numbers as people write them, and texts that are rejected."""

import pytest

from domain.errors import InvalidValue
from domain.phone import PhoneNumber, PhoneRules, parse_international_phone, parse_phone

INDIAN_PHONE = PhoneNumber("+919876543210")
HINT = "write it with + and the country code, like +14155552671."


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
    assert parse_phone(text, "IN") == INDIAN_PHONE


def test_a_number_may_begin_with_the_digits_of_its_country_code() -> None:
    assert parse_phone("9198765432", "IN") == PhoneNumber("+919198765432")
    assert parse_phone("09198765432", "IN") == PhoneNumber("+919198765432")
    assert parse_phone("919198765432", "IN") == PhoneNumber("+919198765432")


@pytest.mark.parametrize(
    "text", ["919876543210", "+919876543210", "+91 98765-43210", "(91) 98765.43210", "९१९८७६५४३२१०"]
)
def test_the_legacy_api_needs_no_plus_before_the_country_code(text: str) -> None:
    assert parse_international_phone(text) == INDIAN_PHONE


def test_two_zeros_replace_the_plus() -> None:
    assert parse_phone("0091 98765 43210") == INDIAN_PHONE
    assert parse_phone("0091 98765 43210", "DE") == INDIAN_PHONE


def test_no_other_two_digits_replace_the_plus() -> None:
    with pytest.raises(InvalidValue):
        parse_phone("7714155552671")


def test_a_fixed_line_is_accepted() -> None:
    assert parse_phone("+912873645289").country == "IN"


@pytest.mark.parametrize("e164", ["+15005550006", "+447640123456", "+870773111632"])
def test_an_exception_may_be_of_any_kind(e164: str) -> None:
    phone = PhoneNumber(e164)
    rules = PhoneRules(exceptions=frozenset({phone}))

    assert parse_phone(e164, rules=rules) == parse_international_phone(e164, rules) == phone
    with pytest.raises(InvalidValue):
        parse_phone("+15005550007", rules=rules)


def test_a_toll_free_number_is_accepted_by_rule_only() -> None:
    rules = PhoneRules(accepts_toll_free=True)

    assert parse_phone("+18002345678", rules=rules).e164 == "+18002345678"
    for number in ("+15005550006", "+19002345678", "+80012345678"):
        with pytest.raises(InvalidValue):
            parse_phone(number, rules=rules)


def test_every_spelling_of_a_number_is_checked_by_the_rules() -> None:
    rules = PhoneRules(accepts_toll_free=True)
    for text, region in (
        ("+1 800 234 5678", None),
        ("001 800 234 5678", None),
        ("8002345678", "US"),
    ):
        assert parse_phone(text, region, rules).e164 == "+18002345678"
        with pytest.raises(InvalidValue):
            parse_phone(text, region)
    assert parse_international_phone("18002345678", rules).e164 == "+18002345678"
    with pytest.raises(InvalidValue):
        parse_international_phone("18002345678")


@pytest.mark.parametrize("e164", ["+15005550006", "+18002345678", "+19002345678", "+80012345678"])
def test_without_rules_all_kinds_are_accepted(e164: str) -> None:
    assert parse_phone(e164, rules=None).e164 == e164


@pytest.mark.parametrize(
    ("e164", "number_range"),
    [("+14155552671", "+1415555"), ("+919876543210", "+91987654"), ("+6834002", "+683")],
)
def test_a_number_range_has_all_but_the_last_four_digits(e164: str, number_range: str) -> None:
    assert parse_phone(e164).number_range == number_range


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
        "+14155552671~5",
        "tel:+14155552671",
        "+1415555267\u0000",
        "+91 98765 43210" + " " * 40,
    ],
)
def test_both_apis_reject_text_that_is_not_a_number(text: str) -> None:
    for parse in (parse_phone, parse_international_phone):
        with pytest.raises(InvalidValue):
            parse(text)


def test_a_text_has_at_most_forty_characters() -> None:
    assert parse_phone("+919876543210" + " " * 27) == INDIAN_PHONE
    with pytest.raises(InvalidValue):
        parse_phone("+919876543210" + " " * 28)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("abc", f"This is not a phone number; {HINT}", id="letters"),
        pytest.param("9876543210", f"This is not a phone number; {HINT}", id="no region"),
        pytest.param("+91 98765", f"No numbering plan has this phone number; {HINT}", id="short"),
        pytest.param(
            "+80012345678",
            "This number belongs to no country; use a mobile number.",
            id="international toll-free",
        ),
        pytest.param(
            "+870773111632",
            "This number belongs to no country; use a mobile number.",
            id="satellite",
        ),
        pytest.param(
            "+19002345678",
            "This is a premium-rate number; use a mobile number.",
            id="premium rate, US",
        ),
        pytest.param(
            "+448712345678",
            "This is a premium-rate number; use a mobile number.",
            id="premium rate, GB",
        ),
        pytest.param(
            "+43810123456", "This is a shared-cost number; use a mobile number.", id="shared cost"
        ),
        pytest.param(
            "+445512345678", "This is a company access number; use a mobile number.", id="UAN"
        ),
        pytest.param("+447640123456", "This is a pager; use a mobile number.", id="pager"),
        pytest.param(
            "+447012345678",
            "This is a personal number, which forwards to another; use a mobile number.",
            id="personal",
        ),
        pytest.param(
            "+18002345678", "This is a toll-free number; use a mobile number.", id="toll-free"
        ),
        pytest.param(
            "+41860123456789", "This is a voicemail box; use a mobile number.", id="voicemail"
        ),
    ],
)
def test_the_error_says_why_a_number_is_not_accepted(text: str, message: str) -> None:
    with pytest.raises(InvalidValue) as error:
        parse_phone(text)
    assert error.value.message == message


def test_the_error_does_not_contain_the_number() -> None:
    with pytest.raises(InvalidValue) as error:
        parse_phone("+91 98765")
    assert "98765" not in error.value.message


@pytest.mark.parametrize(
    ("e164", "masked"),
    [
        ("+919876543210", "+91********10"),
        ("+14155552671", "+1********71"),
        ("+2908123", "+290**23"),
    ],
)
def test_a_masked_number_shows_country_code_and_last_two_digits(e164: str, masked: str) -> None:
    assert PhoneNumber(e164).masked == masked


def test_the_repr_does_not_contain_the_number() -> None:
    assert INDIAN_PHONE.e164 not in f"{INDIAN_PHONE!r} {INDIAN_PHONE} {[INDIAN_PHONE]}"


@pytest.mark.parametrize(
    ("text", "country"), [("+919876543210", "IN"), ("+14165550123", "CA"), ("+442083661177", "GB")]
)
def test_the_country_of_a_number(text: str, country: str) -> None:
    assert parse_phone(text).country == country


def test_a_number_that_no_country_has_is_in_zz() -> None:
    assert PhoneNumber("+14155").country == "ZZ"

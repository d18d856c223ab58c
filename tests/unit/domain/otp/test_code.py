"""A code is read as people type it: in any script, with spaces and hyphens anywhere."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.otp.challenge import OtpCode, parse_otp_code

# No script has digits or spaces beyond the first two planes.
CHARACTERS = [chr(point) for point in range(0x2_0000)]
ZEROS = [
    one
    for one in CHARACTERS
    if unicodedata.decimal(one, None) == 0 and chr(ord(one) + 9).isdecimal()
]
SPACES = [one for one in CHARACTERS if unicodedata.category(one) == "Zs"]
HYPHENS = [
    "\N{HYPHEN-MINUS}",
    "\N{HYPHEN}",
    "\N{NON-BREAKING HYPHEN}",
    "\N{FIGURE DASH}",
    "\N{EN DASH}",
    "\N{EM DASH}",
    "\N{MINUS SIGN}",
    "\N{SMALL HYPHEN-MINUS}",
    "\N{FULLWIDTH HYPHEN-MINUS}",
]


def in_script(digits: str, zero: str) -> str:
    """The same digits in another script."""
    return "".join(chr(ord(zero) + int(digit)) for digit in digits)


@pytest.mark.parametrize("text", ["012313", "012 313", "012-313", " 0 1 2-3 1 3\n", "012\u00a0313"])
def test_spaces_and_hyphens_are_dropped(text: str) -> None:
    assert parse_otp_code(text) == OtpCode("012313")


@pytest.mark.parametrize("hyphen", HYPHENS, ids=unicodedata.name)
def test_every_hyphen_is_dropped(hyphen: str) -> None:
    assert parse_otp_code(f"012{hyphen}313") == OtpCode("012313")


def test_every_space_is_dropped() -> None:
    read = {space: parse_otp_code(f"012{space}313") for space in SPACES}
    assert read == dict.fromkeys(SPACES, OtpCode("012313"))


@pytest.mark.parametrize("digits", ["012313", "456789"])
def test_the_digits_of_every_script_are_read(digits: str) -> None:
    read = {zero: parse_otp_code(in_script(digits, zero)) for zero in ZEROS}
    assert read == dict.fromkeys(ZEROS, OtpCode(digits))


@given(st.from_regex(r"[0-9]{6}", fullmatch=True), st.lists(st.sampled_from(ZEROS), min_size=6))
def test_the_digits_of_one_code_may_be_of_several_scripts(digits: str, zeros: list[str]) -> None:
    text = "".join(in_script(one, zero) for one, zero in zip(digits, zeros, strict=False))
    assert parse_otp_code(text) == OtpCode(digits)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "12345",
        "1234567",
        "12345a",
        "½23456",
        "12345²",
        "①23456",
        "+12345",
        "12.345",
        "一二三四五六",
    ],
)
def test_what_is_not_six_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_otp_code(text)


def test_the_refusal_says_what_a_code_is() -> None:
    with pytest.raises(InvalidValue, match=r"\AA code is 6 digits, as in the message\.\Z"):
        parse_otp_code("12345")


def test_forty_characters_are_read() -> None:
    assert parse_otp_code("012313" + " " * 34) == OtpCode("012313")


@pytest.mark.parametrize("spaces", [35, 1000])
def test_six_digits_in_a_longer_text_are_refused(spaces: int) -> None:
    with pytest.raises(InvalidValue):
        parse_otp_code("012313" + " " * spaces)


@given(st.text(max_size=60))
def test_any_text_is_six_ascii_digits_or_refused(text: str) -> None:
    try:
        code = parse_otp_code(text)
    except InvalidValue:
        return
    assert len(code.digits) == 6
    assert code.digits.isascii()
    assert code.digits.isdecimal()


def test_a_code_gets_into_no_log() -> None:
    assert (
        f"{parse_otp_code('012313')!r} {parse_otp_code('012313')}"
        == "OtpCode(******) OtpCode(******)"
    )

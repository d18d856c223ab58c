"""Usernames: shown as first written, compared by their keys, for all of Unicode."""

import sys
import unicodedata
from itertools import chain
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.identities.username import MAX_LENGTH, MIN_LENGTH, Username, parse_username
from tests.support.examples import examples

PLANE_SIZE: Final = 0x10000
FORMS: Final = ("NFC", "NFD")
# Characters that case folding or composition changes. There are none beyond the first three planes.
CHANGING: Final = [
    character
    for character in map(chr, range(3 * PLANE_SIZE))
    if character.casefold() != character
    or character.upper() != character
    or unicodedata.decomposition(character)
]
# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), without joiners and variation
# selectors.
IGNORABLE_RANGES: Final = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180E, 0x180E), (0x200B, 0x200B), (0x200E, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
    (0x3164, 0x3164), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE00FF), (0xE01F0, 0xE0FFF),
)  # fmt: skip
JOINERS_AND_SELECTORS: Final = "\u200c\u200d\u180b\u180f\ufe00\ufe0f\U000e0100\U000e01ef"
CHARACTERS: Final = st.characters(exclude_categories=()) | st.sampled_from(
    ["\u0345", "\u0342", "\u0301", "\u0323", " ", "\u3000", *JOINERS_AND_SELECTORS, *CHANGING]
)
LETTERS: Final = st.characters(categories=["L", "N"], exclude_characters="\u3164\uffa0\u115f\u1160")
NAMES: Final = st.text(LETTERS, min_size=8, max_size=16)


def is_rejected(text: str) -> bool:
    try:
        parse_username(text)
    except InvalidValue:
        return True
    return False


def names_with(character: str) -> list[str]:
    return [f"ab{character}", f"{character}ab", f"a{character}b"]


@pytest.mark.parametrize(
    "name",
    [
        "Rahul Sharma", "Zoë", "李小龍", "राहुल", "محمد", "O'Neil-Smith Jr.", "🙂🙃", "42",
        "\u0645\u06cc\u200c\u062e\u0648", "क्\u200dष", "👩\u200d🚀",
    ],
)  # fmt: skip
def test_a_name_is_shown_as_written(name: str) -> None:
    assert parse_username(name).text == name


def test_a_name_is_composed_and_trimmed_and_its_spaces_are_collapsed() -> None:
    for text, name in (
        ("  Rahul   Sharma ", "Rahul Sharma"),
        ("Rahul\u00a0\u2009Sharma", "Rahul Sharma"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\nRahul\t", "Rahul"),
        # Then it has two to sixty-four characters.
        ("ab", "ab"),
        ("a" * 64, "a" * 64),
        ("e\u0308" * 64, "\u00eb" * 64),
        ("ab" + " " * 997 + "c", "ab c"),
    ):
        assert parse_username(text).text == name
    for text in ("", " ", "a", " a ", "e\u0308", "a" * 65, "ab" + " " * 998 + "c"):
        assert is_rejected(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ab" + " " * 999, "A username has at most 64 characters."),
        ("a" * 65, "A username has at most 64 characters."),
        ("a", "A username has at least 2 characters."),
        ("Rahul\u0000Sharma", "A username has no control characters or line breaks."),
        ("Rahul\u200bSharma", "A username has no invisible characters."),
        ("\u200d\u200c", "A username has at least one visible character."),
        ("\u0301\u0301", "A username has at least one visible character."),
    ],
    ids=ascii,
)
def test_the_error_says_why_a_name_is_invalid(text: str, message: str) -> None:
    with pytest.raises(InvalidValue) as error:
        parse_username(text)
    assert error.value.message == message


@given(st.text(max_size=80) | st.text(CHARACTERS, max_size=12) | NAMES)
@example("a\u0345\u0301b")
@example("\u0391\u0342\u0345b")
@example("a\u0345\u0301")
@example("ab\ud800")
@settings(max_examples=examples(100))
def test_any_text_is_rejected_or_a_normalized_name_with_one_key(text: str) -> None:
    try:
        username = parse_username(text)
    except InvalidValue:
        return
    name = username.text
    assert MIN_LENGTH <= len(name) <= MAX_LENGTH
    assert name == unicodedata.normalize("NFC", name)
    assert name == " ".join(name.split())
    assert not any(
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name
    )
    assert parse_username(name) == username
    assert Username(username.key).key == username.key
    for form in FORMS:
        assert parse_username(unicodedata.normalize(form, text)) == username
    assert (name + username.key).encode().decode() == name + username.key


# Keys


def test_spellings_of_a_name_have_one_key_and_other_names_have_others() -> None:
    for name, spelling in (
        ("Rahul Sharma", " RAHUL   sharma"),
        ("Straße", "STRASSE"),
        ("Zo\u00eb", "ZOE\u0308"),
        ("ΣΙΣΥΦΟΣ", "σισυφος"),
        ("Ångström", "\u212bngstro\u0308m"),
        ("a\u1fb7", "A\u0391\u0342\u0345"),  # with an iota subscript
        ("a\u1fb7", "a\u1fb6\u03b9"),
    ):
        assert parse_username(name).key == parse_username(spelling).key
    assert parse_username("Rahul").key != parse_username("Rahula").key
    assert parse_username("Rahul Sharma").key != parse_username("RahulSharma").key
    assert parse_username("Zoe").key != parse_username("Zoë").key


@pytest.mark.exhaustive
def test_every_letter_has_one_key_composed_and_decomposed_and_that_is_its_own_key() -> None:
    for name in chain.from_iterable(map(names_with, CHANGING)):
        keys = {Username(unicodedata.normalize(form, name)).key for form in FORMS}
        keys.add(Username(Username(name).key).key)
        assert len(keys) == 1, ascii(name)


@pytest.mark.exhaustive
def test_every_letter_has_the_same_key_in_any_case() -> None:
    changes = (str.upper, str.lower, str.title, str.casefold)
    differing = {
        character
        for character in CHANGING
        for change in changes
        if Username(f"a{change(character)}b").key != Username(f"a{character}b").key
    }
    # Its upper case is the Latin I.
    assert differing == {"\N{LATIN SMALL LETTER DOTLESS I}"}


# Characters


def test_control_characters_line_breaks_and_private_characters_are_rejected() -> None:
    controls = [each for each in map(chr, range(PLANE_SIZE)) if unicodedata.category(each) == "Cc"]
    assert len(controls) == 65
    for character in [*controls, *"\u2028\u2029\ud800\udfff\ue000"]:
        assert is_rejected(f"ab{character}cd"), ascii(character)


def test_invisible_characters_and_noncharacters_are_rejected() -> None:
    invisible = [chr(point) for first, last in IGNORABLE_RANGES for point in range(first, last + 1)]
    planes = range(0, sys.maxunicode, PLANE_SIZE)
    noncharacters = [chr(plane + last) for plane in planes for last in (0xFFFE, 0xFFFF)]
    noncharacters += map(chr, range(0xFDD0, 0xFDF0))
    assert len(noncharacters) == 66
    names = chain.from_iterable(map(names_with, invisible + noncharacters))
    assert [name for name in names if not is_rejected(name)] == []
    # The next characters after these ranges are names.
    for character in "\u2070\ufdf0\ufffc\U0001bca4\U0001d17b\U000e1000":
        assert not is_rejected(f"Rahul{character}"), ascii(character)

"""Names in all of Unicode: one name has one key, and what cannot be seen is in none."""

import sys
import unicodedata
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.identities.username import Username, parse_username
from tests.support.examples import examples

PLANE: Final = 0x10000
FORMS: Final = ("NFC", "NFD")
# What folding or composing changes; nothing beyond the first three planes does.
CHANGING: Final = [
    one
    for one in map(chr, range(3 * PLANE))
    if one.casefold() != one or one.upper() != one or unicodedata.decomposition(one)
]
# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), but for joiners and
# variation selectors.
IGNORABLE: Final = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180E, 0x180E), (0x200B, 0x200B), (0x200E, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
    (0x3164, 0x3164), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE00FF), (0xE01F0, 0xE0FFF),
)  # fmt: skip
NEEDED: Final = "\u200c\u200d\u180b\u180f\ufe00\ufe0f\U000e0100\U000e01ef"
CHARACTERS: Final = st.characters(exclude_categories=()) | st.sampled_from(
    ["\u0345", "\u0342", "\u0301", "\u0323", " ", "\u3000", *NEEDED, *CHANGING]
)


def refused(text: str) -> bool:
    try:
        parse_username(text)
    except InvalidValue:
        return True
    return False


def names(one: str) -> list[str]:
    return [f"ab{one}", f"{one}ab", f"a{one}b"]


@pytest.mark.exhaustive
def test_every_letter_has_one_key_however_it_is_composed() -> None:
    misjudged = [
        one
        for one in CHANGING
        for name in names(one)
        if len({Username(unicodedata.normalize(form, name)).key for form in FORMS}) > 1
    ]
    assert misjudged == []


@pytest.mark.exhaustive
def test_every_letter_has_one_key_in_either_case() -> None:
    misjudged = {
        one
        for one in CHANGING
        for other in (one.upper(), one.lower(), one.title(), one.casefold())
        if Username(f"a{other}b").key != Username(f"a{one}b").key
    }
    # Its capital is the I of everybody else.
    assert misjudged == {"\N{LATIN SMALL LETTER DOTLESS I}"}


def test_a_key_is_its_own_key() -> None:
    assert [one for one in CHANGING if Username(Username(one).key).key != Username(one).key] == []


@given(st.text(CHARACTERS, max_size=12))
@example("\u0391\u0342\u0345b")
@example("a\u0345\u0301")
@example("ab\ud800")
@settings(max_examples=examples(20))
def test_any_text_is_a_name_whose_key_lasts_or_is_refused(text: str) -> None:
    try:
        name = parse_username(text)
    except InvalidValue:
        return
    assert parse_username(name.text) == name
    assert Username(name.key).key == name.key
    for form in FORMS:
        assert parse_username(unicodedata.normalize(form, text)).key == name.key
    assert (name.text + name.key).encode().decode() == name.text + name.key


def test_the_iota_of_a_greek_name_stays_with_its_letter() -> None:
    assert (
        len({Username(name).key for name in ("\u1fb7", "\u0391\u0342\u0345", "\u1fb6\u03b9")}) == 1
    )


def test_every_kind_of_space_is_a_space() -> None:
    spaces = [one for one in map(chr, range(PLANE)) if unicodedata.category(one) == "Zs"]
    assert len(spaces) > 10
    for space in spaces:
        assert parse_username(f"{space}Rahul {space}Sharma{space}").text == "Rahul Sharma"


def test_no_name_has_what_nobody_sees() -> None:
    unseen = [chr(point) for first, last in IGNORABLE for point in range(first, last + 1)]
    assert [one for one in unseen for name in names(one) if not refused(name)] == []


@pytest.mark.parametrize(
    "after", [0x2070, 0xFDF0, 0xFFFC, 0x1BCA4, 0x1D17B, 0xE1000], ids=lambda point: f"{point:X}"
)
def test_what_comes_right_after_those_may_be_in_a_name(after: int) -> None:
    assert not refused(f"Rahul{chr(after)}")


@pytest.mark.parametrize("one", NEEDED, ids=ascii)
def test_what_scripts_and_emoji_need_is_kept(one: str) -> None:
    assert parse_username(f"a{one}b").text == f"a{one}b"


def test_no_name_has_a_code_point_that_stands_for_nothing() -> None:
    noncharacters = [
        *map(chr, range(0xFDD0, 0xFDF0)),
        *(
            chr(plane + last)
            for plane in range(0, sys.maxunicode, PLANE)
            for last in (0xFFFE, 0xFFFF)
        ),
    ]
    assert len(noncharacters) == 66
    assert [one for one in noncharacters for name in names(one) if not refused(name)] == []


def test_emoji_of_a_unicode_to_come_are_a_name() -> None:
    to_come = [
        one for one in map(chr, range(0x1FA70, 0x1FB00)) if unicodedata.category(one) == "Cn"
    ]
    assert to_come
    for one in to_come:
        assert parse_username(one * 2).text == one * 2

"""A name is kept as first written and compared by what it says."""

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.identities.username import MAX_LENGTH, MIN_LENGTH, Username, parse_username

LETTERS = st.characters(categories=["L", "N"], exclude_characters="\u3164\uffa0\u115f\u1160")
NAMES = st.text(LETTERS, min_size=8, max_size=16)


@pytest.mark.parametrize(
    "name", ["Rahul Sharma", "Zoë", "李小龍", "राहुल", "محمد", "O'Neil-Smith Jr.", "🙂🙃", "42"]
)
def test_a_name_is_shown_as_written(name: str) -> None:
    assert parse_username(name).text == name


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("  Rahul Sharma ", "Rahul Sharma"),
        ("Rahul   Sharma", "Rahul Sharma"),
        ("Rahul\u00a0\u2009Sharma", "Rahul Sharma"),
        ("Rahul\u3000Sharma", "Rahul Sharma"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\nRahul\t", "Rahul"),
    ],
)
def test_it_is_composed_trimmed_and_its_spaces_collapsed(written: str, text: str) -> None:
    assert parse_username(written).text == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rahul Sharma", "RAHUL sharma"),
        ("Rahul Sharma", " rahul   sharma"),
        ("Straße", "STRASSE"),
        ("Zo\u00eb", "ZOE\u0308"),
        ("ΣΙΣΥΦΟΣ", "σισυφος"),
        ("Ångström", "\u212bngstro\u0308m"),
    ],
)
def test_two_spellings_are_one_name(one: str, other: str) -> None:
    assert parse_username(one).key == parse_username(other).key


def test_different_names_are_different() -> None:
    assert parse_username("Rahul").key != parse_username("Rahula").key
    assert parse_username("Rahul Sharma").key != parse_username("RahulSharma").key
    assert parse_username("Zoe").key != parse_username("Zoë").key


def test_a_name_has_two_to_sixty_four_characters() -> None:
    assert parse_username("ab").text == "ab"
    assert parse_username("a" * 64).text == "a" * 64
    for name in ("", " ", "a", " a ", "a" * 65, "a" * 100_000):
        with pytest.raises(InvalidValue):
            parse_username(name)


def test_what_is_longer_than_a_thousand_characters_is_not_read() -> None:
    assert parse_username("ab" + " " * 998).text == "ab"
    with pytest.raises(InvalidValue):
        parse_username("ab" + " " * 999)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ab" + " " * 999, "A username has at most 64 characters."),
        ("a" * 65, "A username has at most 64 characters."),
        ("a", "A username has at least 2 characters."),
        ("Rahul\u0000Sharma", "A username has no control characters or line breaks."),
        ("Rahul\u200bSharma", "A username has no invisible characters."),
        ("\u200d\u200d", "A username has at least one visible character."),
    ],
    ids=ascii,
)
def test_the_refusal_says_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse_username(text)
    assert refusal.value.message == sentence


def test_its_length_is_counted_after_it_was_put_in_order() -> None:
    assert len(parse_username("e\u0308" * 64).text) == 64
    assert parse_username("ab" + " " * 100 + "cd").text == "ab cd"
    with pytest.raises(InvalidValue):
        parse_username("e\u0308")


def test_no_name_has_a_control_character() -> None:
    characters = [one for one in map(chr, range(0x100)) if unicodedata.category(one) == "Cc"]
    assert len(characters) == 65
    for character in characters:
        with pytest.raises(InvalidValue):
            parse_username(f"Rahul{character}Sharma")


@pytest.mark.parametrize(
    "character",
    [
        "\u2028",
        "\u2029",
        chr(0xD800),
        chr(0xDFFF),
        "\ue000",
        "\u202e",
        "\u2066",
        "\u200b",
        "\ufeff",
    ],
    ids=ascii,
)
def test_no_name_has_what_breaks_turns_or_hides_text(character: str) -> None:
    with pytest.raises(InvalidValue):
        parse_username(f"Rahul{character}Sharma")


@pytest.mark.parametrize("name", ["\u200d\u200c", "\u0301\u0301"], ids=ascii)
def test_a_name_can_be_seen(name: str) -> None:
    with pytest.raises(InvalidValue):
        parse_username(name)


@pytest.mark.parametrize("name", ["\u0645\u06cc\u200c\u062e\u0648", "क्\u200dष", "👩\u200d🚀"])
def test_joiners_that_scripts_need_are_kept(name: str) -> None:
    assert parse_username(name).text == name


@given(st.text(max_size=80))
@example("a\u0345\u0301b")
def test_any_text_is_a_name_in_order_or_refused(text: str) -> None:
    try:
        name = parse_username(text).text
    except InvalidValue:
        return
    assert MIN_LENGTH <= len(name) <= MAX_LENGTH
    assert name == unicodedata.normalize("NFC", name)
    assert name == " ".join(name.split())
    assert not any(unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} for one in name)
    assert parse_username(name).text == name


@given(NAMES)
def test_however_a_name_is_composed_it_is_one_name(name: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    if len(decomposed) <= MAX_LENGTH:
        assert parse_username(composed) == parse_username(decomposed)


@given(NAMES, st.integers(0, 16), st.sampled_from([" ", "\u00a0", "  ", " \u3000 "]))
def test_however_it_is_spaced_it_is_one_name(name: str, place: int, space: str) -> None:
    words = (name[:place], name[place:])
    assert parse_username(space.join(words)) == parse_username(" ".join(words))


@given(NAMES)
def test_folding_the_case_of_a_name_makes_no_other_name(name: str) -> None:
    name = parse_username(name).text
    assert Username(name.casefold()).key == Username(name).key


@pytest.mark.exhaustive
def test_the_case_of_every_letter_is_folded() -> None:
    letters = [chr(one) for one in range(sys.maxunicode + 1) if chr(one).isalpha()]
    misjudged = [one for one in letters if Username(one).key != Username(one.casefold()).key]
    assert misjudged == []

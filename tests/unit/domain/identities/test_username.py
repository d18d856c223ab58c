"""Usernames: shown as first written, compared by their keys, for all of Unicode."""

import sys
import unicodedata
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from precis_i18n import get_profile

from domain.errors import (
    InvalidCharacters,
    InvalidValue,
    MixedScripts,
    PhoneAsUsername,
    ReservedName,
)
from domain.identities.username import (
    MAX_USERNAME_LENGTH,
    MIN_LENGTH,
    Username,
    UsernameRules,
    derive_key,
    parse_username,
)
from tests.support.examples import examples

PLANE_SIZE: Final = 0x10000
FORMS: Final = ("NFC", "NFD")
JOINERS_AND_SELECTORS: Final = "\u200c\u200d\u180b\u180f\ufe00\ufe0f\U000e0100\U000e01ef"
EMOJI: Final = (
    "👨\u200d👩\u200d👧\u200d👦",
    "🧑🏽\u200d🤝\u200d🧑🏻",  # with a modifier before the joiner
    "🕵\ufe0f\u200d♂\ufe0f",  # with selectors
    "☺\ufe0e",
    "☝\ufe0f🏽",
    "#\ufe0f\u20e3",
    "🇮🇳",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
)
# Case folding or composition changes these: into several, across scripts, or not back again.
CHANGING: Final = "İıſßẞŉǰΐΰϐςև\u1e9a\u1fb7\u1fbc\ufb01\ufb05\u2126\u212a\u212bⅣ№ﷺ가\u0958"
CHARACTERS: Final = (
    st.characters(exclude_categories=())
    | st.characters(categories=["Lu", "Lt", "Mn"])
    | st.sampled_from("\u0345\u0342\u0301\u0323 \u3000" + JOINERS_AND_SELECTORS + CHANGING)
)
LETTERS: Final = st.characters(categories=["L", "N"], exclude_characters="\u3164\uffa0\u115f\u1160")
NAMES: Final = st.text(LETTERS, min_size=8, max_size=16)
LATIN: Final = st.characters(max_codepoint=0x17F, categories=["L", "N"])
RULES: Final = UsernameRules("Chess Club")


def is_rejected(text: str) -> bool:
    try:
        parse_username(text)
    except InvalidValue:
        return True
    return False


@pytest.mark.parametrize(
    "name",
    [
        "Rahul Sharma", "李小龍", "محمد", "O'Neil-Smith Jr.", "42",
        "\u0645\u06cc\u200c\u062e\u0648", "क्\u200dष", *EMOJI,
    ],
)  # fmt: skip
def test_a_name_is_shown_as_written(name: str) -> None:
    assert parse_username(name, RULES).text == name


def test_a_name_is_composed_and_trimmed_and_its_spaces_are_collapsed() -> None:
    for text, name in (
        ("  Rahul   Sharma ", "Rahul Sharma"),
        ("Rahul\u00a0\u2009Sharma", "Rahul Sharma"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\nRahul\t", "Rahul"),
        # Then it has one to sixty-four characters.
        ("a", "a"),
        ("e\u0308", "\u00eb"),
        ("a" * 64, "a" * 64),
        ("e\u0308" * 64, "\u00eb" * 64),
        ("ab" + " " * 997 + "c", "ab c"),
    ):
        assert parse_username(text).text == name
    for text in ("", " ", "a" * 65, "ab" + " " * 998 + "c", "\ufdfa" * 12, "\u200d\u0301"):
        assert is_rejected(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a" * 65, "A username has at most 64 characters."),
        ("Rahul\u200bSharma", "A username has no invisible characters."),
        ("Support", "This name is reserved. Choose another username."),
    ],
)
def test_the_error_says_why_a_name_is_invalid(text: str, message: str) -> None:
    with pytest.raises(InvalidValue) as error:
        parse_username(text, RULES)
    assert error.value.message == message


@given(
    st.text(max_size=80)
    | st.text(CHARACTERS, max_size=12)
    | NAMES
    | st.text(LATIN, min_size=1)
    | st.lists(st.sampled_from(EMOJI), max_size=6).map("".join)
)
@example("a\u0345\u0301b")
@example("\u0391\u0342\u0345b")
@example("a\u0345\u0301")
@example("ab\ud800")
@example("\u00b7\ufdfa\u1e9e\u0345")
@settings(max_examples=examples(100))
def test_any_text_is_rejected_or_a_normalized_name_with_one_key(text: str) -> None:
    try:
        username = parse_username(text, RULES)
    except InvalidValue:
        return
    name = username.text
    assert MIN_LENGTH <= len(name) <= MAX_USERNAME_LENGTH
    assert name == unicodedata.normalize("NFC", name)
    assert name == " ".join(name.split())
    assert not any(
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name
    )
    assert parse_username(name, RULES) == username
    assert derive_key(username.key) == username.key
    for form in FORMS:
        assert parse_username(unicodedata.normalize(form, text), RULES).key == username.key
    assert (name + username.key).encode().decode() == name + username.key


# Keys


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("Zo\u00eb Sharma", " ZOE\u0308   sharma"),
        ("ΣΙΣΥΦΟΣ", "σισυφος"),
        ("Alice", "\u24b6LICE"),
        ("葛城", "葛\U000e0100城"),
        ("❤ Zoë", "❤\ufe0f Zoë"),
        ("👩🚀", "👩\u200d🚀"),
        # The RFC rejects the middle dot here, and characters that this Unicode version lacks.
        ("Anna·Maria", "\uff21nna·MARIA"),
        ("Alice\U0001fae9", "\uff21LICE\U0001fae9"),
        ("a\u1fb7·", "A\u0391\u0342\u0345·".replace("A\u0391", "a\u0391")),  # iota subscript
    ],
)
def test_spellings_of_a_name_have_one_key(name: str, spelling: str) -> None:
    assert derive_key(name) == derive_key(spelling)


def test_other_names_have_other_keys() -> None:
    for name, other in (
        ("Rahul Sharma", "RahulSharma"),
        ("Zoe", "Zoë"),
        ("Straße", "Strasse"),
        (EMOJI[-1], EMOJI[-2]),
        ("👩🏽", "👩🏻"),
        ("می\u200cخو", "میخو"),
    ):
        assert derive_key(name) != derive_key(other)


def fold(text: str) -> str:
    """A canonical caseless match (The Unicode Standard, 3.13, D145)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


@given(st.text(LATIN, min_size=1) | NAMES)
@settings(max_examples=examples(100))
def test_the_key_is_that_of_the_rfc_or_a_caseless_form(name: str) -> None:
    plain = unicodedata.normalize("NFKC", name)
    try:
        expected = get_profile("NicknameCaseMapped").enforce(name)
    except UnicodeEncodeError:
        expected = fold(unicodedata.normalize("NFKC", fold(plain)))
    assert derive_key(name) == expected


def test_a_stored_key_is_not_derived_again() -> None:
    stored = Username("Straße", "strasse")
    assert (stored.key, Username("Straße").key) == ("strasse", "straße")
    for same in ("Straße", "STRASSE", "straße"):
        assert stored.is_same(Username(same))
        assert Username(same).is_same(stored)
    assert Username("Alice", "alice\ufe0f").is_same(Username("ALICE"))
    assert not stored.is_same(Username("Strase"))


# Characters


def test_control_characters_line_breaks_and_private_characters_are_rejected() -> None:
    controls = [each for each in map(chr, range(PLANE_SIZE)) if unicodedata.category(each) == "Cc"]
    assert len(controls) == 65
    for character in [*controls, *"\u2028\u2029\ud800\udfff\ue000"]:
        assert is_rejected(f"ab{character}cd"), ascii(character)


def test_invisible_characters_and_noncharacters_are_rejected() -> None:
    # A test of its own shows which ones are ignorable.
    ignorable = "\u00ad\u034f\u115f\u17b5\u180e\u200b\u2060\u3164\ufeff\ufff8\U0001d173\U000e0fff"
    blank = "\u2800\ufff9\ufffa\ufffb\U00016fe4\U0001d159"
    planes = range(0, sys.maxunicode, PLANE_SIZE)
    noncharacters = [chr(plane + last) for plane in planes for last in (0xFFFE, 0xFFFF)]
    noncharacters += "\ufdd0\ufdef"
    for character in [*ignorable, *blank, *noncharacters]:
        for name in (f"ab{character}", f"{character}ab", f"a{character}b"):
            assert is_rejected(name), ascii(name)
    # The next characters after these ranges are names.
    for character in "\u2070\ufdf0\ufffc\U0001bca4\U0001d17b\U000e1000":
        assert not is_rejected(f"7{character}"), ascii(character)


@pytest.mark.parametrize(
    "name",
    [
        "علی\u200cرض",  # between letters that would join (RFC 5892, A.1)
        "क्\u200cष",  # after a virama (RFC 5892, A.1 and A.2)
        "ന\u0d4d\u200d",
        "渡辺\U000e0101",  # variants of Han, Mongolian, Myanmar and Phags-pa
        "ᠮ\u180bᠣ",
        "\ua84b\ufe00",
    ],
)
def test_invisible_characters_that_a_script_needs_are_allowed(name: str) -> None:
    assert parse_username(name).text == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name",
    [
        "\u200dAlice",  # at the start, and at the end
        "علی\u200c",
        "رضا\u200cعلی",  # after a letter that does not join
        "क\u200dष",  # without a virama
        "\U000323b0\u200d",  # after a character without a name
        "Alice\ufe0f",  # a selector after a letter that has no variants
        "\U000e0100葛",
        "😀\ufe0f\ufe0f",  # twice
        "1\ufe0f",  # a keycap without its end
        "👩\u200da",  # a joiner between an emoji and something else, or another joiner
        "👩\u200d\u200d🚀",
        "1\ufe0f\u200d🚀",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067",  # a flag without its end
        "🏴\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f",  # looks like the black flag
        "😀\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # on no flag
    ],
)
def test_invisible_characters_that_nothing_needs_are_rejected(name: str) -> None:
    with pytest.raises(InvalidValue) as error:
        parse_username(name)
    assert isinstance(error.value, InvalidCharacters)


# Scripts


@pytest.mark.parametrize(
    "name",
    [
        "カタカナ・ひらがな 漢字 Latin", "김 Kim 金", "ㄅㄆ 李 Li",
        # Digits, emoji, marks and symbols belong to every script.
        "Дмитрий 7 😀", "Zoe\u0323\u0308 №5", "Дом №5™", "राहुल ७", "Ⅳ Rahul", "½ a ¼",
        "Zoë \U0001fae9 \U0001fadf",  # as do emoji that are newer than the tables
    ],
)  # fmt: skip
def test_one_script_or_those_of_japanese_chinese_or_korean_with_latin_are_allowed(
    name: str,
) -> None:
    assert parse_username(name).text == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name",
    [
        "\u0410lice", "Дмитрий Ω", "Rahul राहुल",
        "김 たろう", "李 ㄅ の", "Алекс 李",  # Han goes with one of these only
        "\U0001d6c2lice", "ℂашка", "ａл",  # letters that are symbols or wide
    ],
)  # fmt: skip
def test_other_mixtures_of_scripts_are_rejected(name: str) -> None:
    with pytest.raises(MixedScripts):
        parse_username(name)


# Roles


@pytest.mark.parametrize(
    "name",
    [
        " A d m i n ", "administrator", "ChessClub",
        # Look-alikes: of another script, wide, two for one, and of a letter or a digit.
        "\u0410D\u041c\u0406N", "\uff41\uff44\uff4d\uff49\uff4e", "adrnin", "adm\u02dbn",
        "supp0rt", "Chess C\U0001d425ub",
    ],
)  # fmt: skip
def test_names_that_look_like_a_role_or_the_app_are_reserved(name: str) -> None:
    with pytest.raises(ReservedName):
        parse_username(name, RULES)


@pytest.mark.parametrize("name", ["Administrata", "Admin Rao", "Ádmin", "Chess", "Chess Club Fan"])
def test_names_are_compared_with_roles_as_a_whole(name: str) -> None:
    assert parse_username(name, RULES).text == name


# Phones


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("+1 (415) 555-2671", None), ("14155552671", None), ("0014155552671", None),
        ("tel:+14155552671", None), ("\uff0b14155552671", None), ("+1 800 555 0199", None),
        ("415 555 2671", "US"), ("98765 43210", "IN"), ("\u0669\u0668765 43210", "IN"),
    ],
)  # fmt: skip
def test_a_phone_number_is_no_new_username(name: str, region: str | None) -> None:
    with pytest.raises(PhoneAsUsername):
        parse_username(name, UsernameRules(default_region=region))
    assert parse_username(name, UsernameRules(default_region=region), Username(name)).text == name


def test_other_digits_are_a_username() -> None:
    for name in ("98765 43210", "007", "Asha 2024", "1984", "R2-D2", "+1", "42"):
        assert parse_username(name, UsernameRules()).text == name


# One's own name


@pytest.mark.parametrize("name", ["admin", "Al\u200dice", "Rahul राहुल", "Dialtone"])
def test_the_stored_name_is_valid_for_its_owner_even_if_it_is_not_for_others(name: str) -> None:
    own = Username(name, "its key")
    rules = UsernameRules()
    assert parse_username(f" {name}  ", rules, own) is own
    # So does another spelling of it, which changes nothing.
    assert parse_username(name.upper(), rules, own) is own
    with pytest.raises(InvalidValue):
        parse_username(name, rules)
    with pytest.raises(InvalidValue):
        parse_username(name, rules, Username("Rahul"))


def test_a_valid_spelling_of_the_own_name_is_the_new_one() -> None:
    own = Username("rahul", "its key")
    username = parse_username("Rahul", RULES, own)
    assert (username.text, username.key) == ("Rahul", "rahul")
    longest = "\u0410" + "b" * 63
    own = Username(longest, "its key")
    assert parse_username(longest.upper(), RULES, own) is own
    with pytest.raises(InvalidValue):
        parse_username(longest + "b", RULES, Username(longest + "B"))

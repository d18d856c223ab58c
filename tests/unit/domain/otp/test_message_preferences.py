"""The preferences of a client, and the length of an SMS (3GPP TS 23.038, TS 23.040)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.otp.messages import (
    Platform,
    SmsEncoding,
    SmsLength,
    locale_fallbacks,
    measure_sms,
    parse_app_hash,
    parse_locale,
    parse_platform,
)


def test_an_unknown_platform_is_the_general_one() -> None:
    unknown = {parse_platform(text) for text in (None, "", "toaster", "general")}
    assert unknown == {Platform.GENERAL}
    known = [parse_platform(text) for text in ("Android", " iOS ", "WEB")]
    assert known == [Platform.ANDROID, Platform.IOS, Platform.WEB]


@pytest.mark.parametrize(
    ("text", "fallbacks"),
    [
        (" EN ", ("en",)),
        ("pt_br", ("pt-BR", "pt")),
        ("zh-TW", ("zh-Hant-TW", "zh-TW", "zh-Hant", "zh")),  # the usual script of the country
        ("zh_TW_#Hant", ("zh-Hant-TW", "zh-TW", "zh-Hant", "zh")),  # as Java writes it
        ("de_DE.UTF-8@euro", ("de-DE", "de")),  # POSIX
        ("fr-FR, fr;q=0.9, en;q=0.8", ("fr-FR", "fr")),  # Accept-Language
        ("en-US-u-hc-h12", ("en-US", "en")),  # an extension
        ("in_ID", ("id-ID", "id")),  # a former code
        ("deu_AT", ("de-AT", "de")),  # a code with three letters
        ("zho-TW", ("zh-Hant-TW", "zh-TW", "zh-Hant", "zh")),
        ("fil-PH", ("fil-PH", "fil")),  # the only one
        ("en." + "a" * 97, ("en",)),  # a hundred characters
    ],
)
def test_the_closest_locale_is_looked_for_first(text: str, fallbacks: tuple[str, ...]) -> None:
    assert locale_fallbacks(text) == fallbacks


def test_a_text_that_is_not_a_locale_has_no_fallbacks() -> None:
    for text in (None, "", "e", "english", "12", "\uff45\uff4e", "en." + "a" * 98):
        assert locale_fallbacks(text) == ()


@given(st.text())
def test_fallbacks_of_any_text_are_safe_as_file_names(text: str) -> None:
    for name in locale_fallbacks(text):
        assert re.fullmatch("[A-Za-z0-9-]+", name)


def test_the_locale_of_a_template_has_one_spelling_and_may_have_three_letters() -> None:
    assert [parse_locale(text) for text in ("deu", "fra-CA", "fil")] == ["de", "fr-CA", "fil"]
    for text in ("", "EN", "pt_BR", "iw", "en.", "DEU", "deu_AT"):
        with pytest.raises(InvalidValue, match="A language is written like en, pt-BR or zh-Hant"):
            parse_locale(text)


def test_an_app_hash_has_eleven_characters() -> None:
    for valid in ("FA+9qCX9VSu", "01234567/9a"):
        assert parse_app_hash(valid) == valid
    for text in ("FA+9qCX9VS", "FA+9qCX9VSuu", "FA-9qCX9VSu", "FA+9qCX9VSu\n"):
        with pytest.raises(InvalidValue, match="An app hash has 11 characters: letters, digits"):
            parse_app_hash(text)


GSM7, UCS2 = SmsEncoding.GSM7, SmsEncoding.UCS2


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", SmsLength(GSM7, 0, 1)), ("é\nÇ@", SmsLength(GSM7, 4, 1)),
        ("a" * 160, SmsLength(GSM7, 160, 1)), ("a" * 161, SmsLength(GSM7, 161, 2)),
        ("a" * 306, SmsLength(GSM7, 306, 2)), ("a" * 307, SmsLength(GSM7, 307, 3)),
        ("ж" * 70, SmsLength(UCS2, 70, 1)), ("ж" * 71, SmsLength(UCS2, 71, 2)),
        ("ж" * 134, SmsLength(UCS2, 134, 2)), ("ж" * 135, SmsLength(UCS2, 135, 3)),
        *((character, SmsLength(UCS2, 1, 1)) for character in "óç\uffff"),
    ],
)  # fmt: skip
def test_a_text_is_measured_as_carriers_measure_it(text: str, length: SmsLength) -> None:
    assert measure_sms(text) == length


def test_a_character_of_the_extension_table_takes_two_septets_that_are_not_split() -> None:
    for character in "^{}\\[~]|€\f":
        assert measure_sms(character * 80) == SmsLength(GSM7, 160, 1)
        assert measure_sms(character * 80 + "a") == SmsLength(GSM7, 161, 2)
    assert measure_sms("a" * 152 + "€" + "a" * 152).parts == 3
    assert measure_sms("a" * 151 + "€" + "a" * 153).parts == 2


def test_an_emoji_takes_two_units_and_is_not_split_between_parts() -> None:
    assert measure_sms("😀" * 35) == SmsLength(UCS2, 70, 1)
    assert measure_sms("a" * 66 + "😀" + "a" * 66).parts == 3
    assert measure_sms("a" * 65 + "😀" + "a" * 67).parts == 2


def test_the_basic_alphabet_has_127_characters_besides_the_escape() -> None:
    # All of its Latin and Greek letters, punctuation and currencies are below U+3000.
    characters = [chr(code_point) for code_point in range(0x3000)]
    basic = [text for text in characters if measure_sms(text) == SmsLength(GSM7, 1, 1)]
    assert len(basic) == 127

"""The texts that come with Dialtone, under every name that an app may have."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from adapters.texts import TextsRefused, load_message_texts
from application.ports.message_texts import WantedText
from domain.errors import InvalidValue
from domain.otp.challenge import OTP_TTL
from domain.otp.code import OtpCode
from domain.otp.texts.form import Platform, TextForm
from domain.otp.texts.rules import Ending, broken_rules
from domain.otp.texts.sms_length import sms_length
from domain.otp.texts.text_set import Names
from entrypoints.settings.parsers import parse_app_name
from tests.support.examples import examples

HASHES = ("FA+9qCX9VSu", "01234567890")
DOMAIN = "login.example.org"
LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "id", "it", "ja", "ko", "nl", "pt", "ru", "zh")
ONE_MESSAGE_EACH = "Dialtone 4711"


def can_be_set(name: str) -> bool:
    try:
        return name.isprintable() and name == parse_app_name(name.strip()) != ""
    except InvalidValue:
        return False


names = st.text(min_size=1, max_size=30).filter(can_be_set)
short_names = st.text(
    st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1, max_size=18
).filter(can_be_set)
codes = st.integers(0, 999_999).map("{:06d}".format)
locales = st.none() | st.text() | st.sampled_from([*LANGUAGES, "zh-TW", "pt_BR", "xx", "EN-us"])


@settings(max_examples=examples(100))
@given(
    name=names, code=codes, locale=locales, platform=st.sampled_from(Platform),
    country=st.sampled_from(["IN", "US", "ZZ"]),
    app_hash=st.none() | st.text() | st.sampled_from(HASHES),
    seconds=st.integers(60, 300), domain=st.none() | st.just(DOMAIN),
)  # fmt: skip
@example("4711 Taxi", "000000", "ar", Platform.WEB, "IN", None, 300, DOMAIN)
@example("١٢٣٤٥٦", "123456", "hi", Platform.ANDROID, "IN", None, 300, DOMAIN)
@example("{code}{app}", "999999", "zh", Platform.ANDROID, "US", HASHES[1], 60, None)
def test_what_was_not_refused_at_start_keeps_every_rule_whatever_is_wanted(
    name: str, code: str, locale: str | None, platform: Platform, country: str,
    app_hash: str | None, seconds: int, domain: str | None,
) -> None:  # fmt: skip
    try:
        texts = load_message_texts(None, "en", Names(name, HASHES, domain))
    except TextsRefused:
        assume(False)
    form = TextForm(platform, locale, app_hash)
    text = texts.text(WantedText(country, form, OtpCode(code), timedelta(seconds=seconds)))

    is_web = platform is Platform.WEB and domain is not None
    used = app_hash if app_hash in HASHES else HASHES[0]
    ending = Ending(used if platform is Platform.ANDROID else None, domain if is_web else None)
    assert list(broken_rules(text, code, ending)) == []
    assert text.startswith(f"{code} ")
    assert name in text


@settings(max_examples=examples(25))
@given(short_names)
@example("ह" * 18)
@example("ż" * 18)
@example("€" * 18)
def test_no_name_of_up_to_18_characters_stops_the_start(name: str) -> None:
    load_message_texts(None, "en", Names(name, HASHES, DOMAIN))


@settings(max_examples=examples(20))
@given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20), min_size=1, max_size=30))
def test_no_name_of_plain_letters_stops_the_start_of_who_has_no_android_app(name: str) -> None:
    assume(can_be_set(name))
    load_message_texts(None, "en", Names(name, (), DOMAIN))


def test_a_name_that_makes_a_text_too_long_is_told_with_text_and_rule() -> None:
    with pytest.raises(TextsRefused) as refusal:
        load_message_texts(None, "en", Names("ह" * 30, HASHES))
    told = {(one.place, one.is_shipped) for one in refusal.value.problems}
    assert ("hi.toml, android", True) in told
    assert all('"140 bytes"' in one.reason for one in refusal.value.problems)


def test_every_language_is_there_and_has_a_short_text_of_its_own_for_android() -> None:
    texts = load_message_texts(None, "en", Names("Dialtone", HASHES, DOMAIN))
    judged = list(texts.judged())
    assert {file.name for file, _ in judged} == {*LANGUAGES, "zh-Hant"}
    assert Counter(sample.platform for _, sample in judged) == {
        Platform.GENERAL: 15, Platform.ANDROID: 15, Platform.WEB: 15,
    }  # fmt: skip


def test_a_text_is_paid_for_once_and_one_for_the_web_twice_at_the_most() -> None:
    texts = load_message_texts(None, "en", Names("Dialtone app", HASHES, DOMAIN))
    for file, (platform, text, _) in texts.judged():
        assert sms_length(text).messages <= (2 if platform is Platform.WEB else 1), file.name


@pytest.mark.parametrize("language", [*LANGUAGES, "zh-Hant"])
def test_each_language_has_its_own_words_and_the_code_stands_free(language: str) -> None:
    texts = load_message_texts(None, "en", Names("Dialtone", HASHES, DOMAIN))

    def text(locale: str, platform: Platform) -> str:
        return texts.text(WantedText("US", TextForm(platform, locale), OtpCode("012345"), OTP_TTL))

    for platform in Platform:
        assert (text(language, platform) == text("en", platform)) == (language == "en")
        # Also for a phone whose \b asks for a letter's end, and in Chinese there is none.
        assert re.findall(r"(?<!\S)\d{6}(?!\S)", text(language, platform))[0] == "012345"

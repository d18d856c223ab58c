"""The built-in templates, with every name that an app may have."""

import re
from datetime import timedelta

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from adapters.templates.rules import validate
from adapters.templates.sms_templates import InvalidTemplates, load_sms_templates
from adapters.templates.template_set import AppIdentity
from domain.costs.message_parts import measure_sms
from domain.errors import InvalidValue
from domain.otp.challenge import OTP_TTL, OtpCode
from domain.otp.message_preferences import MessagePreferences, Platform
from entrypoints.settings.parsers import parse_app_name
from tests.support.examples import examples

APP_HASHES = ("FA+9qCX9VSu", "01234567890")
DOMAIN = "login.example.org"
LANGUAGES = (
    "ar", "de", "en", "es", "fr", "hi", "id", "it", "ja", "ko", "nl", "pt", "ru", "zh", "zh-Hant",
)  # fmt: skip


def is_app_name(name: str) -> bool:
    try:
        return name.isprintable() and name == parse_app_name(name.strip()) != ""
    except InvalidValue:
        return False


app_names = st.text(min_size=1, max_size=30).filter(is_app_name)
short_app_names = st.text(
    st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1, max_size=18
).filter(is_app_name)
codes = st.integers(0, 999_999).map("{:06d}".format)
locales = st.none() | st.text() | st.sampled_from([*LANGUAGES, "zh-TW", "pt_BR", "xx", "EN-us"])


@settings(max_examples=examples(50))
@given(
    name=app_names, code=codes, locale=locales, platform=st.sampled_from(Platform),
    country=st.sampled_from(["IN", "US", "ZZ"]),
    app_hash=st.none() | st.text() | st.sampled_from(APP_HASHES),
    seconds=st.integers(60, 300), domain=st.none() | st.just(DOMAIN),
)  # fmt: skip
@example("4711 Taxi", "000000", "ar", Platform.WEB, "IN", None, 300, DOMAIN)
@example("١٢٣٤٥٦", "123456", "hi", Platform.ANDROID, "IN", None, 300, DOMAIN)
@example("{code}{app}", "999999", "zh", Platform.ANDROID, "US", APP_HASHES[1], 60, None)
def test_after_a_successful_start_every_message_follows_the_rules(
    name: str, code: str, locale: str | None, platform: Platform, country: str,
    app_hash: str | None, seconds: int, domain: str | None,
) -> None:  # fmt: skip
    try:
        templates = load_sms_templates(None, "en", AppIdentity(name, APP_HASHES, domain))
    except InvalidTemplates:
        assume(False)
    text = templates.render(
        OtpCode(code),
        lifetime=timedelta(seconds=seconds),
        country=country,
        preferences=MessagePreferences(platform, locale, app_hash),
    )

    expected_hash = app_hash if app_hash in APP_HASHES else APP_HASHES[0]
    violations = validate(
        text,
        code,
        app_hash=expected_hash if platform is Platform.ANDROID else None,
        domain=domain if platform is Platform.WEB else None,
    )
    assert list(violations) == []
    assert text.startswith(f"{code} ")
    assert name in text


@settings(max_examples=examples(25))
@given(short_app_names)
@example("ह" * 18)
@example("ż" * 18)
@example("€" * 18)
def test_every_app_name_of_up_to_18_characters_is_valid(name: str) -> None:
    load_sms_templates(None, "en", AppIdentity(name, APP_HASHES, DOMAIN))
    load_sms_templates(None, "en", AppIdentity("A" * 30, (), DOMAIN))


def test_every_language_has_short_templates_for_all_platforms() -> None:
    templates = load_sms_templates(None, "en", AppIdentity("Dialtone app", APP_HASHES, DOMAIN))
    previews = [(file.name, preview) for file, preview in templates.previews()]
    platforms = (Platform.GENERAL, Platform.ANDROID, Platform.WEB)
    expected = [(language, platform) for language in LANGUAGES for platform in platforms]
    assert sorted((name, preview.platform) for name, preview in previews) == sorted(expected)
    for name, preview in previews:
        max_parts = 2 if preview.platform is Platform.WEB else 1
        assert measure_sms(preview.text).parts <= max_parts, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_own_text_with_spaces_around_the_code(language: str) -> None:
    templates = load_sms_templates(None, "en", AppIdentity("Dialtone", APP_HASHES, DOMAIN))

    def render(locale: str, platform: Platform) -> str:
        preferences = MessagePreferences(platform, locale)
        return templates.render(
            OtpCode("012345"), lifetime=OTP_TTL, country="US", preferences=preferences
        )

    for platform in Platform:
        text = render(language, platform)
        assert (text == render("en", platform)) == (language == "en")
        # Phones that look for a word boundary find none between Chinese letters and digits.
        assert re.findall(r"(?<!\S)\d{6}(?!\S)", text)[0] == "012345"

"""The built-in templates, with every name that an app may have."""

from datetime import timedelta
from importlib.resources import files
from itertools import product

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from adapters.messages.templates.rules import validate_notice, validate_template
from adapters.messages.templates.sms_templates import (
    FileSmsTemplates,
    InvalidTemplates,
    read_sms_templates,
)
from adapters.messages.templates.template_file import read_template_file
from adapters.messages.templates.template_set import AppIdentity
from domain.errors import InvalidValue
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import OTP_TTL, OtpCode, Purpose
from domain.otp.messages import MessagePreferences, Platform, measure_sms
from entrypoints.settings.parsers import parse_app_name
from tests.support.examples import examples

APP_HASHES = ("FA+9qCX9VSu", "01234567890")
DOMAIN = "login.example.org"
ENGLISH = files("adapters.messages.templates.builtin") / "en.toml"
LANGUAGES = (
    "ar", "de", "en", "es", "fr", "hi", "id", "it", "ja", "ko", "nl", "pt", "ru", "zh", "zh-Hant",
)  # fmt: skip


def is_app_name(name: str) -> bool:
    try:
        return name.isprintable() and name == parse_app_name(name.strip()) != ""
    except InvalidValue:
        return False


app_names = st.text(min_size=1, max_size=30).filter(is_app_name)
codes = st.integers(0, 999_999).map("{:06d}".format)
locales = st.none() | st.text() | st.sampled_from([*LANGUAGES, "zh-TW", "pt_BR", "xx", "EN-us"])


@settings(max_examples=examples(20))
@given(
    name=app_names, code=codes, locale=locales, platform=st.sampled_from(Platform),
    country=st.sampled_from(["IN", "US", "ZZ"]),
    app_hash=st.none() | st.text() | st.sampled_from(APP_HASHES),
    seconds=st.integers(60, 300), domain=st.none() | st.just(DOMAIN),
    purpose=st.sampled_from(Purpose), notice=st.sampled_from(PhoneNotice),
)  # fmt: skip
@example(
    "4711 Taxi", "000000", "ar", Platform.WEB, "IN", None, 300, DOMAIN,
    Purpose.SIGN_IN, PhoneNotice.PHONE_CHANGED,
)  # fmt: skip
@example(
    "١٢٣٤٥٦", "123456", "hi", Platform.ANDROID, "IN", None, 300, DOMAIN,
    Purpose.CHANGE_PHONE, PhoneNotice.PASSKEY_ADDED,
)  # fmt: skip
def test_after_a_successful_start_every_message_follows_the_rules(
    name: str, code: str, locale: str | None, platform: Platform, country: str,
    app_hash: str | None, seconds: int, domain: str | None, purpose: Purpose, notice: PhoneNotice,
) -> None:  # fmt: skip
    try:
        templates = read_sms_templates(None, "en", AppIdentity(name, APP_HASHES, domain))
    except InvalidTemplates:
        assume(False)
    text = templates.render(
        OtpCode(code),
        lifetime=timedelta(seconds=seconds),
        country=country,
        preferences=MessagePreferences(platform, locale, app_hash),
        purpose=purpose,
    ).text
    notice_text = templates.render_notice(notice, country=country).text

    expected_hash = app_hash if app_hash in APP_HASHES else APP_HASHES[0]
    violations = validate_template(
        text,
        code,
        app_hash=expected_hash if platform is Platform.ANDROID else None,
        domain=domain if platform is Platform.WEB else None,
    )
    assert list(violations) == []
    assert text.startswith(f"{code} ")
    assert name in text
    assert list(validate_notice(notice_text, name)) == []
    assert name in notice_text


def test_every_language_has_short_messages_of_every_kind() -> None:
    templates = read_sms_templates(None, "en", AppIdentity("Dialtone app", APP_HASHES, DOMAIN))
    previews = list(templates.previews())
    platforms = (Platform.GENERAL, Platform.ANDROID, Platform.WEB)
    expected = [
        *product(LANGUAGES, Purpose, platforms),
        *product(LANGUAGES, PhoneNotice, [Platform.GENERAL]),
    ]
    found = [(file.name, message, preview.platform) for file, message, preview in previews]
    assert sorted(found) == sorted(expected)
    for file, _, preview in previews:
        max_parts = 2 if preview.platform is Platform.WEB else 1
        assert measure_sms(preview.text).parts <= max_parts, (file.name, preview)


def test_once_an_hour_a_warning_names_the_setting_without_which_no_phone_fills_in_a_code(
    caplog: pytest.LogCaptureFixture,
) -> None:
    file, seconds = read_template_file(ENGLISH, is_builtin=True), [0.0]

    def warnings(app: AppIdentity) -> list[str]:
        templates = FileSmsTemplates([file], "en", app, monotonic=lambda: seconds[0])
        caplog.clear()
        for seconds[0] in (0.0, 3599.0, 3600.0):
            for platform in (Platform.GENERAL, Platform.ANDROID, Platform.WEB):
                preferences = MessagePreferences(platform, app_hash=APP_HASHES[0])
                templates.render(
                    OtpCode("012345"), lifetime=OTP_TTL, country="IN", preferences=preferences
                )
        return [str(record.msg["setting"]) for record in caplog.records]  # type: ignore[index]

    both = ["DIALTONE_ANDROID_HASH", "DIALTONE_WEB_DOMAIN"]
    assert warnings(AppIdentity("Dialtone")) == both * 2
    assert warnings(AppIdentity("Dialtone", APP_HASHES, DOMAIN)) == []

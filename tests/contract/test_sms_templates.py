"""The promises of the port that writes the messages with a code."""

import re
from datetime import timedelta
from itertools import product

import pytest

from adapters.templates import load_sms_templates
from application.ports.sms_templates import SmsTemplates
from domain.otp.challenge import OtpCode
from domain.otp.templates.preferences import MessagePreferences, Platform
from domain.otp.templates.template_set import AppIdentity
from tests.support.fakes.sms_templates import FakeSmsTemplates

CODE = OtpCode("012345")


def fake() -> SmsTemplates:
    return FakeSmsTemplates()


def files() -> SmsTemplates:
    app = AppIdentity("Dialtone", ("FA+9qCX9VSu",), "dial.test")
    return load_sms_templates(None, "en", app)


@pytest.fixture(params=[fake, files], ids=lambda make: make.__name__)
def templates(request: pytest.FixtureRequest) -> SmsTemplates:
    templates: SmsTemplates = request.param()
    return templates


@pytest.mark.parametrize(
    ("platform", "locale", "app_hash"),
    list(
        product(
            Platform, [None, "de", "pt-BR", "xx", "\x00"], [None, "FA+9qCX9VSu", "another hash"]
        )
    ),
)
def test_all_preferences_get_a_text_with_the_code_as_its_first_digits(
    templates: SmsTemplates, platform: Platform, locale: str | None, app_hash: str | None
) -> None:
    preferences = MessagePreferences(platform, locale, app_hash)
    for country in ("IN", "US", "ZZ"):
        text = templates.render(
            CODE, lifetime=timedelta(seconds=61), country=country, preferences=preferences
        )
        digits = re.search(r"\d{4,}", text)
        assert digits is not None
        assert digits[0] == CODE.digits


def test_equal_arguments_give_the_same_text(templates: SmsTemplates) -> None:
    first, second = (
        templates.render(
            CODE,
            lifetime=timedelta(minutes=5),
            country="US",
            preferences=MessagePreferences(locale="de"),
        )
        for _ in range(2)
    )
    assert first == second

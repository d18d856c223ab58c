import re
from datetime import timedelta
from itertools import product

import pytest

from adapters.texts import load_message_texts
from application.ports.message_texts import MessageTexts, WantedText
from domain.otp.challenge import OtpCode
from domain.otp.texts.form import Platform, TextForm
from domain.otp.texts.text_set import Names
from tests.support.fakes.message_texts import FakeMessageTexts


def fake() -> MessageTexts:
    return FakeMessageTexts()


def files() -> MessageTexts:
    return load_message_texts(None, "en", Names("Dialtone", ("FA+9qCX9VSu",), "dial.test"))


@pytest.fixture(params=[fake, files], ids=lambda make: make.__name__)
def texts(request: pytest.FixtureRequest) -> MessageTexts:
    made: MessageTexts = request.param()
    return made


@pytest.mark.parametrize(
    ("platform", "locale", "app_hash"),
    list(
        product(
            Platform, [None, "de", "pt-BR", "xx", "\x00"], [None, "FA+9qCX9VSu", "none of ours"]
        )
    ),
)
def test_whatever_is_wanted_a_text_with_the_code_as_its_first_digits_is_written(
    texts: MessageTexts, platform: Platform, locale: str | None, app_hash: str | None
) -> None:
    form = TextForm(platform, locale, app_hash)
    for country in ("IN", "US", "ZZ"):
        text = texts.text(WantedText(country, form, OtpCode("012345"), timedelta(seconds=61)))
        found = re.search(r"\d{4,}", text)
        assert found is not None
        assert found[0] == "012345"


def test_the_same_wish_gets_the_same_text(texts: MessageTexts) -> None:
    wanted = WantedText("US", TextForm(locale="de"), OtpCode("012345"), timedelta(minutes=5))
    assert texts.text(wanted) == texts.text(wanted)

"""Languages, as clients name them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.otp.texts.locales import locale_chain, parse_locale


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("en", ("en",)),
        ("EN", ("en",)),
        ("pt-BR", ("pt-BR", "pt")),
        ("pt_br", ("pt-BR", "pt")),
        ("zh_Hans_CN", ("zh-Hans-CN", "zh-CN", "zh-Hans", "zh")),
        ("zh-TW", ("zh-Hant-TW", "zh-TW", "zh-Hant", "zh")),
        ("zh_TW_#Hant", ("zh-Hant-TW", "zh-TW", "zh-Hant", "zh")),
        ("zh-hans-hk", ("zh-Hans-HK", "zh-HK", "zh-Hans", "zh")),
        ("es-419", ("es-419", "es")),
        ("de_DE.UTF-8@euro", ("de-DE", "de")),
        ("fr-FR, fr;q=0.9, en;q=0.8", ("fr-FR", "fr")),
        ("en-US-u-hc-h12", ("en-US", "en")),
        ("in_ID", ("id-ID", "id")),
        ("iw", ("he",)),
        ("fil-PH", ("fil-PH", "fil")),
        (" de ", ("de",)),
        ("en." + "a" * 97, ("en",)),
    ],
)
def test_a_locale_is_looked_for_from_the_closest_on(text: str, chain: tuple[str, ...]) -> None:
    assert locale_chain(text) == chain


@pytest.mark.parametrize(
    "text",
    [None, "", " ", "e", "english", "12", "*", "C", "-en", "ég", "\uff45\uff4e", "en." + "a" * 98],
)
def test_what_is_no_locale_is_looked_for_nowhere(text: str | None) -> None:
    assert locale_chain(text) == ()


@given(st.text())
def test_any_text_gives_names_of_files_or_none(text: str) -> None:
    for name in locale_chain(text):
        assert name.isascii()
        assert name.replace("-", "").isalnum()


@pytest.mark.parametrize("text", ["en", "pt-BR", "zh-Hant", "zh-Hant-TW", "es-419", "fil"])
def test_a_locale_of_texts_has_one_spelling(text: str) -> None:
    assert parse_locale(text) == text


@pytest.mark.parametrize(
    "text", ["", "EN", "pt-br", "pt_BR", "zh-hant", "in", "iw", "en.", "english"]
)
def test_another_spelling_of_a_locale_is_refused(text: str) -> None:
    with pytest.raises(
        InvalidValue, match=r"\AA language is written like en, pt-BR or zh-Hant\.\Z"
    ):
        parse_locale(text)

"""The language of the template that is closest to the one of a request."""

import pytest

from adapters.messages.whatsapp_cloud.languages import closest_language
from adapters.messages.whatsapp_cloud.message_ids import without_number
from tests.support.whatsapp.fake_whatsapp import make_message_id

LANGUAGES = ("en_US", "pt_BR", "es", "zh_CN", "zh_HK", "fil")


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        (None, "en_US"),
        ("pt-PT", "pt_BR"),
        ("fil-PH", "fil"),
        ("de", "en_US"),
        ("zh", "zh_CN"),
        ("zh-TW", "zh_HK"),
        ("zh-SG", "zh_CN"),
    ],
)
def test_the_closest_language_is_used(locale: str | None, language: str) -> None:
    assert closest_language(LANGUAGES, locale) == language


def test_the_id_of_a_message_is_kept_without_the_number() -> None:
    message_id = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA="

    assert without_number(message_id) == "3AADF8441347E8571C10"
    assert without_number(message_id.rstrip("=")) == "3AADF8441347E8571C10"
    assert len(without_number(make_message_id("4915112345678"))) == 20

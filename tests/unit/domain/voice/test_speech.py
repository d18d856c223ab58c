import pytest

from domain.voice.flow import Choice
from domain.voice.speech import find_choice
from tests.support.call_flows import make_locale

CHOICES = (Choice("1", "yes", "a"), Choice("2", "no", "b"), Choice("#", "leave", "c"))
LOCALE = make_locale(
    words={
        "yes": ("yes", "Of course", "हाँ", "sí"),
        "no": ("no", "leave me", "don't"),
        "leave": ("leave",),
    }
)


def chosen(keys: str = "", speech: str = "") -> str | None:
    choice = find_choice(CHOICES, LOCALE, keys=keys, speech=speech)
    return choice.key if choice else None


@pytest.mark.parametrize(
    ("keys", "speech", "key"),
    [
        ("1", "", "1"), ("#", "", "#"), ("3", "", None), ("11", "", None), ("2", "yes", "2"),
        ("3", "yes", None),
    ],
)  # fmt: skip
def test_a_key_counts_before_speech(keys: str, speech: str, key: str | None) -> None:
    assert chosen(keys, speech) == key


@pytest.mark.parametrize(
    ("key", "speech"),
    [
        *(("1", text) for text in ("Yes.", "¡SÍ!", "of  course!", "हाँ।", "yes, yes please")),
        *(("1", text) for text in ("ye\u200ds", "1", "\uff11")),
        *(("2", text) for text in ("Don\u2019t", "leave me")),
        ("#", "please leave"),
    ],
)
def test_speech_is_compared_without_case_and_punctuation(key: str, speech: str) -> None:
    assert chosen(speech=speech) == key


@pytest.mark.parametrize(
    "speech",
    [
        "", "please", "yes no", "don't leave", "never leave", "yesterday", "of",
        "of please course", "leave me leave", "ye", "12", "yes " * 200,
    ],
)  # fmt: skip
def test_anything_else_is_no_choice(speech: str) -> None:
    assert chosen(speech=speech) is None

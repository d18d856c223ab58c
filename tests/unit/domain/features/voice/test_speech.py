import tomllib
from pathlib import Path
from typing import Final

import pytest

from domain.features.voice.call_texts import SpokenLocale, find_key
from domain.features.voice.instructions import Voice
from domain.features.voice.menu import MENUS
from tests.support.call_texts import CALL_TEXTS

SAYINGS: Final = tomllib.loads(Path(__file__).with_name("sayings.toml").read_text("utf-8"))
PHRASES: Final = {"1": ("yes", "Of course", "हाँ", "sí"), "2": ("no", "leave me"), "#": ("leave",)}
LOCALE: Final = SpokenLocale(
    Voice("en-US"),
    {},
    {},
    fillers=("please",),
    negations=("don't",),
    numbers={"1": ("one",), "2": ("two",), "#": ("hash",)},
    number_words=("press",),
)


def find(keys: str = "", speech: str = "", whole: str = "") -> str | None:
    return find_key(PHRASES, LOCALE, whole=whole, keys=keys, speech=speech)


@pytest.mark.parametrize("tag", SAYINGS)
def test_sayings_are_understood_in_each_locale(tag: str) -> None:
    locale = CALL_TEXTS.locales[tag]
    for state, sayings in SAYINGS[tag].items():
        choices = MENUS[state].choices
        phrases = {choice.key: locale.list_phrases(choice.words) for choice in choices}
        whole = [choice.key for choice in choices if choice.changes_something]
        for key, texts in sayings.items():
            for saying in texts:
                heard = find_key(phrases, locale, whole=whole, speech=saying)
                assert heard == (None if key == "none" else key), saying


@pytest.mark.parametrize(
    ("keys", "speech", "key"),
    [
        ("#", "", "#"), ("11", "", None), ("2", "yes", "2"), ("3", "yes", None),
    ],
)  # fmt: skip
def test_a_key_counts_before_speech(keys: str, speech: str, key: str | None) -> None:
    assert find(keys, speech) == key


@pytest.mark.parametrize(
    ("key", "speech"),
    [
        *(("1", text) for text in ("¡SÍ!", "of  course!", "well yes yes", "ye\u200ds")),
        *(("1", text) for text in ("१", "press ONE", "please, one")),
        *(("2", text) for text in ("leave me", "just leave me, one day")),
        ("#", "please leave"),
        *((None, text) for text in ("", "please", "yes no", "don't leave", "leave me leave")),
        *((None, text) for text in ("yesterday", "of please course", "12", "1 2", "one moment")),
        *((None, text) for text in ("press 9", "yes, press two", "yes " * 200)),
    ],
)
def test_phrases_are_whole_words_and_numbers_stand_alone(key: str | None, speech: str) -> None:
    assert find(speech=speech) == key


def test_all_that_was_said_counts_for_a_choice_that_changes_something() -> None:
    sayings = {"yes please": "1", "well yes": None, "yes one": None, "well no": "2"}
    assert {saying: find(speech=saying, whole="1") for saying in sayings} == sayings

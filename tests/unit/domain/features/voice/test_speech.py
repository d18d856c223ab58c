import tomllib
from pathlib import Path
from typing import Final

import pytest

from adapters.calls.flows import read_call_flow
from domain.features.voice.flow import FlowLocale, MenuNode
from domain.features.voice.instructions import Position, Voice
from domain.features.voice.speech import find_key
from domain.features.voice.walk import Answered, ClaimedCaller, advance
from domain.phone import PhoneNumber

FLOW: Final = read_call_flow(None, "Demo")
SAYINGS: Final = tomllib.loads(Path(__file__).with_name("sayings.toml").read_text("utf-8"))
PHONES: Final = {"en": "+14155552671", "hi": "+919876543210", "es": "+525512345678"}
PHRASES: Final = {"1": ("yes", "Of course", "हाँ", "sí"), "2": ("no", "leave me"), "#": ("leave",)}
LOCALE: Final = FlowLocale(
    Voice("en-US"),
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
    caller = ClaimedCaller(PhoneNumber(PHONES[tag]))
    for menu, sayings in SAYINGS[tag].items():
        node = FLOW.nodes[menu]
        assert isinstance(node, MenuNode)
        for key in sayings:
            for saying in sayings[key]:
                step = advance(FLOW, Position(menu), caller, Answered(speech=saying))
                heard = [choice.key for choice in node.choices if choice.next in step.path]
                assert heard == ([] if key == "none" else [key]), saying


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

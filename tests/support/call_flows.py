"""Call flows for tests."""

from collections.abc import Iterable, Iterator
from typing import Final

from domain.features.voice.flow import (
    LANGUAGE_OFFER,
    LEAVING_MESSAGE,
    REQUIRED_TEXTS,
    CallFlow,
    Choice,
    FlowLocale,
    FlowNode,
    HangUpNode,
    MenuNode,
)
from domain.features.voice.instructions import Gather, Instruction, Say, StoredInstruction, Voice
from domain.phone import PhoneNumber

PHONE: Final = PhoneNumber("+14155552671")
INDIAN_PHONE: Final = PhoneNumber("+919876543210")
_OWN_TEXTS: Final = ("hello", "question", "again", "consent", "bye", "tone")
TEXTS: Final = (*_OWN_TEXTS, LANGUAGE_OFFER, LEAVING_MESSAGE, *REQUIRED_TEXTS)


def make_locale(
    language: str = "en-US",
    *,
    words: dict[str, tuple[str, ...]] | None = None,
    countries: tuple[str, ...] = (),
    offered_in: tuple[str, ...] = (),
) -> FlowLocale:
    return FlowLocale(
        Voice(language, "Polly.Joanna"),
        {text: f"{text} in {language}" for text in TEXTS},
        words or {"yes": ("yes", "of course"), "no": ("no", "leave me"), "leave": ("leave",)},
        ("please",),
        names=(f"name of {language}",),
        countries=countries,
        offered_in=offered_in,
    )


def make_flow(
    nodes: dict[str, FlowNode],
    *,
    unknown: str = "start",
    known: str = "start",
    locales: dict[str, FlowLocale] | None = None,
) -> CallFlow:
    return CallFlow(unknown, known, nodes, locales or {"en": make_locale()})


def menu(yes: str, no: str = "bye", give_up: str = "bye") -> MenuNode:
    choices = (Choice("1", ("yes",), yes), Choice("2", ("no",), no))
    return MenuNode("question", choices, give_up, "again")


BYE: Final = HangUpNode("bye")


def spoken(instructions: Iterable[Instruction | StoredInstruction]) -> Iterator[str]:
    for instruction in instructions:
        if isinstance(instruction, Say):
            yield instruction.text
        elif isinstance(instruction, Gather):
            yield from (said.text for said in instruction.prompt if isinstance(said, Say))

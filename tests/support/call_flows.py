"""Call flows for tests."""

from collections.abc import Iterable, Iterator
from typing import Final

from hypothesis import strategies as st

from domain.features.voice.flow import (
    LANGUAGE_OFFER,
    LEAVING_MESSAGE,
    REQUIRED_TEXTS,
    CallbackNode,
    CallFlow,
    Choice,
    DialNode,
    FlowLocale,
    FlowNode,
    HangUpNode,
    LeaveNode,
    MenuNode,
    RecordNode,
    RegisterNode,
    SayNode,
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


def _choices(targets: list[str]) -> tuple[Choice, ...]:
    return tuple(
        Choice("123456789*#0"[index], (f"w{index}",), target)
        for index, target in enumerate([*targets, "bye"])
    )


@st.composite
def flows(draw: st.DrawFn) -> CallFlow:
    """Return a valid flow: a silent caller goes to later nodes only, choices lead anywhere."""
    count = draw(st.integers(1, 8))
    names = [f"n{number}" for number in range(count)]
    nodes: dict[str, FlowNode] = {}
    effects = {"register", "leave", "callback"}
    any_kind = st.sampled_from(["say", "menu", "dial", "record", "hang_up", *sorted(effects)])
    kinds = ["menu", *(draw(any_kind) for _ in names[1:])]
    for number, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        later = list(zip(names, kinds, strict=True))[number + 1 :]
        after = st.sampled_from([*(one for one, its in later if its not in effects), "bye"])
        # Together with the choices, every node is reached from the first menu.
        targets = st.lists(st.sampled_from(names), max_size=3) if number else st.just(names)
        strategies: dict[str, st.SearchStrategy[FlowNode]] = {
            "say": st.builds(SayNode, st.just("hello"), after),
            "menu": st.builds(
                MenuNode, st.just("question"), targets.map(_choices), after, st.just("again")
            ),
            "dial": st.builds(DialNode, st.just("tone"), after, after, after, after),
            "record": st.builds(RecordNode, st.just("tone"), after, after),
            "register": st.builds(RegisterNode, st.just("consent"), after, after),
            "leave": st.builds(LeaveNode, after, after),
            "callback": st.builds(CallbackNode, st.just("bye"), after),
            "hang_up": st.just(BYE),
        }
        nodes[name] = draw(strategies[kind])
    nodes["bye"] = BYE
    words: dict[str, tuple[str, ...]] = {f"w{index}": (f"word{index}",) for index in range(10)}
    locales = {
        "en": make_locale(words=words),
        "hi": make_locale("hi-IN", words=words, countries=("IN",)),
    }
    return CallFlow("n0", "n0", nodes, locales)

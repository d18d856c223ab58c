"""The rules for a call flow as a whole."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import product
from typing import Final, NamedTuple

from domain.countries import ALL_COUNTRIES
from domain.features.voice.flow import (
    LANGUAGE_OFFER,
    LEAVING_MESSAGE,
    REQUIRED_TEXTS,
    CallbackNode,
    CallFlow,
    DialNode,
    FlowLocale,
    FlowNode,
    HangUpNode,
    LeaveNode,
    MenuNode,
    RecordNode,
    RegisterNode,
    list_targets,
)
from domain.features.voice.instructions import MAX_SPEECH_HINTS
from domain.features.voice.speech import KEYS, contains, list_numbers, normalize_speech

MAX_TEXT_LENGTH: Final = 1000
MAX_WORD_LENGTH: Final = 100
MAX_NODES: Final = 200
_LIMITS: Final[Mapping[type[FlowNode], Sequence[tuple[str, int, int]]]] = {
    # Four hours: no provider connects two phones for longer.
    DialNode: (("timeout_seconds", 5, 120), ("max_seconds", 1, 14_400)),
    RecordNode: (("max_seconds", 5, 600),),
}
"""The minimum and maximum of each number."""
_JOINERS: Final = "\u200c\u200d"  # some scripts need them inside words
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2}|-[0-9]{3})?")
_VOICE: Final = re.compile(r"[A-Za-z0-9._-]{0,60}")


class FlowProblem(NamedTuple):
    """What is wrong with a flow: where it is, and a message that says what to do."""

    place: str
    message: str


def validate_flow(flow: CallFlow, unreadable: Collection[str] = ()) -> Iterator[FlowProblem]:
    """Return all rules that a flow violates.

    - Every target exists, and every node can be reached.
    - Every loop has an exit: a caller who says nothing comes to an end.
    - Every text and every list of words exists in each locale.
    - The keys of a menu are different, and so are its words.
    - Only a choice of the caller leads to a node that changes something, so that silence does not.

    Args:
        flow: The flow.
        unreadable: Names of nodes that exist but could not be read. They are not validated.
    """
    if not flow.locales:
        yield FlowProblem("locales", "there is none; add a table [locales.en]")
    if len(flow.nodes) > MAX_NODES:
        yield FlowProblem("nodes", f"there are {len(flow.nodes)}; at most {MAX_NODES} are allowed")
    names = {*flow.nodes, *unreadable}
    for name in sorted(names):
        if not _NAME.fullmatch(name):
            message = "a name has a lower-case letter, then letters, digits and _; at most 40"
            yield FlowProblem(f"nodes.{name}", message)
    for name, node in flow.nodes.items():
        place = f"nodes.{name}"
        for field, target in list_targets(node):
            yield from _check_target(f"{place}.{field}", target, flow, names)
        yield from _check_limits(place, node)
        yield from _check_texts(place, node, flow)
        if isinstance(node, MenuNode):
            yield from _check_choices(place, node, flow)
    for field, first in flow.first_nodes.items():
        yield from _check_target(field, first, flow, names)
    if not unreadable and names.issuperset(flow.first_nodes.values()):
        yield from _check_reachability(flow)
    yield from _check_loops(flow)
    yield from _check_countries(flow)
    texts: tuple[str, ...] = REQUIRED_TEXTS
    if any(isinstance(node, LeaveNode) for node in flow.nodes.values()):
        texts = (*texts, LEAVING_MESSAGE)
    if any(isinstance(node, MenuNode) and node.language_key for node in flow.nodes.values()):
        texts = (*texts, LANGUAGE_OFFER)
    for tag, locale in flow.locales.items():
        if not _LANGUAGE.fullmatch(tag):
            yield FlowProblem(f"locales.{tag}", "its name is not a locale such as en or pt-BR")
        yield from _check_locale(f"locales.{tag}", locale, texts)


def _check_target(
    place: str, target: str, flow: CallFlow, names: Collection[str]
) -> Iterator[FlowProblem]:
    changes_something = isinstance(flow.nodes.get(target), RegisterNode | LeaveNode | CallbackNode)
    if target not in names:
        known = f"use one of {', '.join(sorted(names))}, or " if names else ""
        yield FlowProblem(place, f"there is no node {target!r}; {known}add [nodes.{target}]")
    elif changes_something and ".choices." not in place:
        message = f"only a choice of a menu may lead to {target!r}; put a menu before it"
        yield FlowProblem(place, message)


def _check_limits(place: str, node: FlowNode) -> Iterator[FlowProblem]:
    for field, minimum, maximum in _LIMITS.get(type(node), ()):
        value = getattr(node, field)
        if not minimum <= value <= maximum:
            yield FlowProblem(f"{place}.{field}", f"{value} is not from {minimum} to {maximum}")


def _check_texts(place: str, node: FlowNode, flow: CallFlow) -> Iterator[FlowProblem]:
    for field in ("text", "invalid", "repetition", "consent"):
        text = getattr(node, field, None)
        is_optional = field in ("invalid", "repetition") or isinstance(node, HangUpNode)
        if text is None or (is_optional and not text):
            continue
        for tag, locale in flow.locales.items():
            if text not in locale.texts:
                message = f"there is no text {text!r} for {tag}; add it to [locales.{tag}.texts]"
                yield FlowProblem(f"{place}.{field}", message)
            elif isinstance(node, MenuNode) and field == "repetition":
                first = locale.texts.get(node.text, "")
                if len(locale.texts[text]) >= len(first) > 0:
                    message = f"the text {text!r} for {tag} is not shorter than {node.text!r}"
                    yield FlowProblem(f"{place}.{field}", f"{message}; shorten it")


def _check_choices(place: str, menu: MenuNode, flow: CallFlow) -> Iterator[FlowProblem]:
    place = f"{place}.choices"
    if not menu.choices:
        yield FlowProblem(place, 'it is empty; add { key = "1", words = "yes", next = "…" }')
    keys = [choice.key for choice in menu.choices]
    keys += [menu.language_key] if menu.language_key else []
    for key in dict.fromkeys(keys):
        if len(key) != 1 or key not in KEYS:
            yield FlowProblem(place, f"{key!r} is not a key; use one of 0-9, * and #")
        if keys.count(key) > 1:
            yield FlowProblem(place, f"the key {key!r} has {keys.count(key)} choices; use another")
    for tag, locale in flow.locales.items():
        yield from _check_words(place, menu, tag, locale)


def _check_words(place: str, menu: MenuNode, tag: str, locale: FlowLocale) -> Iterator[FlowProblem]:
    owners: dict[tuple[str, ...], str] = {}
    for choice in menu.choices:
        if not choice.words:
            message = 'there are no words; write words = "yes" or words = ["yes", "join"]'
            yield FlowProblem(f"{place}.{choice.key}", message)
        for name in choice.words:
            if name not in locale.words:
                message = f"there are no words {name!r} for {tag}; "
                message += f"add them to [locales.{tag}.words]"
                yield FlowProblem(f"{place}.{choice.key}", message)
        for phrase in locale.list_phrases(choice):
            owner = owners.setdefault(normalize_speech(phrase), choice.key)
            if owner != choice.key:
                message = f"{phrase!r} is said for the keys {owner} and {choice.key} in {tag}; "
                yield FlowProblem(place, f"{message}remove one")
    if len(owners) > MAX_SPEECH_HINTS:
        message = f"{len(owners)} words in {tag}; at most {MAX_SPEECH_HINTS} are allowed"
        yield FlowProblem(place, message)


def list_contained_phrases(flow: CallFlow) -> Iterator[FlowProblem]:
    """Return the phrases that occur inside a phrase of another choice of the same menu.

    They are no errors: the longer phrase counts. But its other words have to be said, too.
    """
    menus = {name: node for name, node in flow.nodes.items() if isinstance(node, MenuNode)}
    for (name, menu), (tag, locale) in product(menus.items(), flow.locales.items()):
        phrases = [
            (choice.key, phrase, normalize_speech(phrase))
            for choice in menu.choices
            for phrase in locale.list_phrases(choice)
        ]
        for key, phrase, words in phrases:
            outer = [
                f"{other!r} ({other_key})"
                for other_key, other, others in phrases
                if other_key != key and contains(others, words)
            ]
            if outer:
                more = f" and {len(outer) - 1} more" if outer[1:] else ""
                message = f"{phrase!r} ({key}) is inside {outer[0]}{more} in {tag}"
                yield FlowProblem(f"nodes.{name}.choices", message)


def _check_reachability(flow: CallFlow) -> Iterator[FlowProblem]:
    reached: set[str] = set()
    waiting = list(flow.first_nodes.values())
    while waiting:
        name = waiting.pop()
        if name in flow.nodes and name not in reached:
            reached.add(name)
            waiting += (target for _, target in list_targets(flow.nodes[name]))
    for name in flow.nodes:
        if name not in reached:
            message = "no call comes here; name it as a target of another node, or remove it"
            yield FlowProblem(f"nodes.{name}", message)


def _check_loops(flow: CallFlow) -> Iterator[FlowProblem]:
    """Follow all targets but choices: a silent caller must not come to a node twice."""
    edges = [
        (name, target)
        for name, node in flow.nodes.items()
        for field, target in list_targets(node)
        if not field.startswith("choices.") and target in flow.nodes
    ]
    while loop := _find_loop(edges):
        message = (
            f"this loop never ends if the caller says nothing: {' -> '.join(loop)}; "
            "lead one of these nodes to a node of the kind hang_up"
        )
        yield FlowProblem(f"nodes.{loop[0]}", message)
        # Look for others.
        edges = [edge for edge in edges if edge != (loop[-2], loop[-1])]


def _find_loop(edges: Iterable[tuple[str, str]]) -> list[str]:
    """Return a loop, its first node also as the last one; empty if there is none."""
    sorter = TopologicalSorter[str]()
    for name, target in edges:
        sorter.add(name)
        sorter.add(target, name)
    try:
        sorter.prepare()
    except CycleError as error:
        loop: list[str] = error.args[1]
        return loop
    return []


def _check_countries(flow: CallFlow) -> Iterator[FlowProblem]:
    for field in ("countries", "offered_in"):
        owners: dict[str, str] = {}
        for tag, locale in flow.locales.items():
            place = f"locales.{tag}.{field}"
            for country in getattr(locale, field):
                if country not in ALL_COUNTRIES:
                    yield FlowProblem(place, f"{country!r} is not an ISO 3166-1 code such as IN")
                if owners.setdefault(country, tag) != tag:
                    message = f"{country} belongs to {owners[country]} too; remove one"
                    yield FlowProblem(place, message)


def _check_locale(
    place: str, locale: FlowLocale, required_texts: Collection[str]
) -> Iterator[FlowProblem]:
    if not _LANGUAGE.fullmatch(locale.voice.language):
        message = f"{locale.voice.language!r} is not a language tag such as en-US"
        yield FlowProblem(f"{place}.language", message)
    if not _VOICE.fullmatch(locale.voice.name):
        message = f"{locale.voice.name!r} is not the name of a voice such as Polly.Joanna"
        yield FlowProblem(f"{place}.voice", message)
    for name in required_texts:
        if name not in locale.texts:
            yield FlowProblem(f"{place}.texts", f"there is no text {name!r}; add it")
    for name, text in locale.texts.items():
        yield from _check_text(f"{place}.texts.{name}", text)
    for name, words in locale.words.items():
        if not words:
            yield FlowProblem(f"{place}.words.{name}", 'it is empty; add a word such as "yes"')
    for key in locale.numbers.keys() - set(KEYS):
        yield FlowProblem(f"{place}.numbers", f"{key!r} is not a key; use one of 0-9, * and #")
    for key, words in locale.numbers.items():
        for word in words:
            yield from _check_word(f"{place}.numbers.{key}", word)
    numbers = list_numbers(locale)
    others = ("names", "fillers", "negations", "number_words")
    lists = {f"words.{name}": words for name, words in locale.words.items()}
    lists |= {field: getattr(locale, field) for field in others}
    for field, words in lists.items():
        for word in words:
            yield from _check_word(f"{place}.{field}", word)
            if normalize_speech(word) in numbers:
                message = f"{word!r} is a number, which is understood for its key; remove it"
                yield FlowProblem(f"{place}.{field}", message)


def _check_text(place: str, text: str) -> Iterator[FlowProblem]:
    if not text.strip():
        yield FlowProblem(place, "it is empty; write what is said")
    if len(text) > MAX_TEXT_LENGTH:
        message = f"it has {len(text)} characters; at most {MAX_TEXT_LENGTH} are allowed"
        yield FlowProblem(place, message)
    for character in text:
        if not character.isprintable() and character not in _JOINERS + "\n":
            message = f"it contains the invisible character U+{ord(character):04X}; remove it"
            yield FlowProblem(place, message)
            return


def _check_word(place: str, word: str) -> Iterator[FlowProblem]:
    # Providers separate the expected words by commas.
    if not normalize_speech(word) or "," in word or len(word) > MAX_WORD_LENGTH:
        message = f"{word!r} is not a word or phrase of up to {MAX_WORD_LENGTH} characters"
        yield FlowProblem(place, f"{message} without commas")

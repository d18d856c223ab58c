"""The flow that a call follows: nodes that name each other, and their texts in each locale."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.features.voice.instructions import Say, Voice

MAX_REPEATS: Final = 2
"""How often a menu is asked again after silence or nonsense."""
APOLOGY: Final = "apology"
"""The text after an unforeseen error."""
GOODBYE: Final = "goodbye"
"""The text at the end of a call that came to too many nodes."""
CODE_GREETING: Final = "code_greeting"
"""The text of an outbound call: who is calling, and that a key is awaited."""
CODE_INTRODUCTION: Final = "code_introduction"
CODE_REPETITION: Final = "code_repetition"
LEAVING_MESSAGE: Final = "leaving_message"
"""The text of the message that says how to leave. Flows with a `leave` node have it."""
YES: Final = "yes"
NO: Final = "no"
"""The names of the words that confirm and decline."""
LANGUAGE_OFFER: Final = "language_offer"
"""The text that offers a locale, in that locale. Flows with a `language_key` have it."""
REQUIRED_TEXTS: Final = (APOLOGY, GOODBYE, CODE_GREETING, CODE_INTRODUCTION, CODE_REPETITION)
"""Texts that each locale has, although no node names them."""


class DialResult(StrEnum):
    """How a call to the line operator ended. The fields of a `DialNode` have the same names."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer to a menu: a key, the names of its words in each locale, and the next node."""

    key: str
    words: tuple[str, ...]
    next: str


@dataclass(frozen=True, slots=True)
class SayNode:
    """Say a text and go on."""

    text: str
    next: str


@dataclass(frozen=True, slots=True)
class MenuNode:
    """Ask for one of the choices, again after silence or nonsense, and then give up.

    With a `language_key`, another locale is offered first. Who chooses it hears the menu again.
    `repetition` is a shorter text for those who have heard the first one.
    """

    text: str
    choices: tuple[Choice, ...]
    give_up: str
    invalid: str = ""
    repetition: str = ""
    language_key: str = ""


@dataclass(frozen=True, slots=True)
class DialNode:
    """Connect the caller to the line operator, and go on when that call has ended."""

    text: str
    answered: str
    busy: str
    no_answer: str
    failed: str
    timeout_seconds: int = 20
    max_seconds: int = 3600

    def next(self, result: DialResult) -> str:
        """Return the node after this result."""
        target: str = getattr(self, result)
        return target


@dataclass(frozen=True, slots=True)
class RecordNode:
    """Record what the caller says."""

    text: str
    next: str
    silent: str
    max_seconds: int = 120


@dataclass(frozen=True, slots=True)
class RegisterNode:
    """Say the text `consent`, then make the caller an unverified identity that agreed to it.

    A caller who does not agree hangs up before the end of the text.
    """

    consent: str
    next: str
    failed: str


@dataclass(frozen=True, slots=True)
class LeaveNode:
    """Delete an unverified identity. A verified one gets a message that says how to leave."""

    left: str
    verified: str


@dataclass(frozen=True, slots=True)
class CallbackNode:
    """Hang up after a text and call the number back with a code."""

    text: str
    refused: str


@dataclass(frozen=True, slots=True)
class HangUpNode:
    """Say a text, if there is one, and end the call."""

    text: str = ""


FlowNode = (
    SayNode
    | MenuNode
    | DialNode
    | RecordNode
    | RegisterNode
    | LeaveNode
    | CallbackNode
    | HangUpNode
)

_TARGET_FIELDS: Final = {
    "next", "give_up", "answered", "busy", "no_answer", "failed", "silent", "left", "verified",
    "refused",
}  # fmt: skip


def list_targets(node: FlowNode) -> Iterator[tuple[str, str]]:
    """Yield each field of a node that names another node, and the name."""
    if isinstance(node, MenuNode):
        for choice in node.choices:
            yield f"choices.{choice.key}", choice.next
    for node_field in fields(node):
        if node_field.name in _TARGET_FIELDS:
            yield node_field.name, getattr(node, node_field.name)


@dataclass(frozen=True, slots=True)
class FlowLocale:
    """The texts and words of a locale, by name, and how it sounds.

    Attributes:
        voice: How it sounds.
        texts: What calls say.
        words: What callers say, by the names that choices use.
        fillers: Words that do not change an answer, such as "please".
        negations: Words that negate an answer, such as "don't".
        numbers: The number words of keys, such as "one" for 1.
        number_words: Words with which a number is a key, such as "press".
        names: What callers say to hear this locale, such as "English".
        countries: The ISO 3166-1 codes of the callers who hear this locale.
        offered_in: Other countries whose callers can choose this locale.
    """

    voice: Voice
    texts: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fillers: tuple[str, ...] = ()
    negations: tuple[str, ...] = ()
    numbers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    number_words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    offered_in: tuple[str, ...] = ()

    def list_phrases(self, choice: Choice) -> tuple[str, ...]:
        """Return what callers say for a choice. Negations are phrases of the choice `no`."""
        phrases = [word for name in choice.words for word in self.words.get(name, ())]
        return tuple(dict.fromkeys([*phrases, *(self.negations if NO in choice.words else ())]))

    def say(self, text: str) -> Say:
        """Return the instruction that says a text."""
        return Say(self.texts[text], self.voice)


@dataclass(frozen=True, slots=True)
class CallFlow:
    """A valid flow: what reads it has validated it as a whole.

    Attributes:
        unknown_caller: The first node of a caller whose number has no identity.
        known_caller: The first node of any other caller.
        anonymous_caller: The first node of a caller without a number, who can neither join nor be
            called back; by default that of unknown callers.
        nodes: All nodes by name.
        locales: All locales by their tags; the first is the default.
    """

    unknown_caller: str
    known_caller: str
    nodes: Mapping[str, FlowNode]
    locales: Mapping[str, FlowLocale]
    anonymous_caller: str = ""

    @property
    def first_nodes(self) -> Mapping[str, str]:
        """The first nodes of calls, by the fields that name them."""
        names = {"unknown_caller": self.unknown_caller, "known_caller": self.known_caller}
        if self.anonymous_caller:
            names["anonymous_caller"] = self.anonymous_caller
        return names

    @property
    def max_line_operator_time(self) -> timedelta:
        """The longest time from a call to the line operator to its end."""
        dials = [node for node in self.nodes.values() if isinstance(node, DialNode)]
        return timedelta(
            seconds=max((dial.timeout_seconds + dial.max_seconds for dial in dials), default=1)
        )

    def changes_something(self, choice: Choice) -> bool:
        """Return whether a choice leads to joining or leaving, or to a menu that confirms it."""
        node = self._skip_texts(choice.next)
        if isinstance(node, MenuNode):
            confirmations = [choice for choice in node.choices if YES in choice.words]
            nodes = [self._skip_texts(confirmation.next) for confirmation in confirmations]
        else:
            nodes = [node]
        return any(isinstance(node, RegisterNode | LeaveNode) for node in nodes)

    def _skip_texts(self, name: str) -> FlowNode | None:
        """Return the first node from here that does more than to say a text."""
        node = self.nodes.get(name)
        while isinstance(node, SayNode):
            node = self.nodes.get(node.next)
        return node

    def select_locale(self, country: str | None, tags: Iterable[str] = ()) -> FlowLocale:
        """Return the locale of a phone, as `select_tag` does."""
        return self.locales[self.select_tag(country, tags)]

    def select_tag(self, country: str | None, tags: Iterable[str] = ()) -> str:
        """Return the tag of the nearest locale, else that of the country, else the default.

        A locale of the same language is near: es-MX for es-ES.

        Args:
            country: The country of the phone.
            tags: The locales that its owner has requested, the preferred one first.
        """
        requested = tuple(tags)
        languages = [tag.partition("-")[0] for tag in requested]
        near = [tag for tag in self.locales if tag.partition("-")[0] in languages]
        local = [tag for tag, locale in self.locales.items() if country in locale.countries]
        exact = [tag for tag in requested if tag in self.locales]
        return [*exact, *near, *local, *self.locales][0]

    def find_offer(self, country: str | None, tag: str) -> str | None:
        """Return the tag of the locale that a caller can choose instead of this one, or None.

        It is the locale of the country, if this is another one. Otherwise it is the one that is
        offered in the country, else the default. A caller without a country has no choice.
        """
        if country is None:
            return None
        offered = [other for other in self.locales if country in self.locales[other].offered_in]
        candidates = [self.select_tag(country), *offered, next(iter(self.locales))]
        return next((other for other in candidates if other != tag), None)


HANG_UP_FLOW: Final = CallFlow(
    "end",
    "end",
    {"end": HangUpNode()},
    {"en": FlowLocale(Voice("en-US"), dict.fromkeys(REQUIRED_TEXTS, ""))},
)
"""A flow that ends every call. It takes the place of the operator's in a service without one."""

from dataclasses import replace

import pytest

from adapters.calls.flows.flow_rules import list_contained_phrases, validate_flow
from domain.features.voice.flow import (
    LEAVING_MESSAGE,
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
from domain.features.voice.instructions import Voice
from tests.support.call_flows import BYE, make_flow, make_locale, menu


def problems(flow: CallFlow) -> list[str]:
    return [f"{place}: {message}" for place, message in validate_flow(flow)]


def with_start(node: FlowNode, **others: FlowNode) -> CallFlow:
    return make_flow({"start": node, "bye": BYE, **others})


def with_locales(**locales: FlowLocale) -> CallFlow:
    return replace(with_start(menu("bye")), locales=locales)


def choose(*choices: tuple[str, str]) -> MenuNode:
    """Return a menu with these keys and words."""
    listed = tuple(Choice(key, (words,), "bye") for key, words in choices)
    return MenuNode("question", listed, "bye")


def dial(busy: str = "bye", timeout: int = 20) -> DialNode:
    return DialNode("tone", "bye", busy, "bye", "bye", timeout, 60)


REGISTER = RegisterNode("consent", "bye", "bye")
LEAVE = LeaveNode("bye", "bye")
LOOP = "this loop never ends if the caller says nothing"
CHOICE = "only a choice of a menu may lead to"


def test_a_valid_flow_violates_no_rule() -> None:
    assert problems(with_start(menu("start"))) == []
    # A loop over a choice is allowed.
    assert problems(with_start(menu("other"), other=SayNode("hello", "start"))) == []


@pytest.mark.parametrize(
    ("node", "others", "problem"),
    [
        (
            SayNode("hello", "gone"),
            {"bye": SayNode("hello", "start")},
            "nodes.start.next: there is no node 'gone'; use one of bye, start, or add [nodes.gone]",
        ),
        (menu("gone"), {}, "nodes.start.choices.1: there is no node 'gone'"),
        (menu("bye"), {"extra": BYE}, "nodes.extra: no call comes here"),
        (
            menu("bye", give_up="second"),
            {"second": menu("bye", give_up="start")},
            f"{LOOP}: start -> second -> start",
        ),
        (RecordNode("tone", "start", "bye"), {}, LOOP),
        (dial(busy="start"), {}, LOOP),
        (SayNode("missing", "bye"), {}, "nodes.start.text: there is no text 'missing' for en"),
        (
            replace(menu("bye"), repetition=menu("bye").text),
            {},
            "nodes.start.repetition: the text",
        ),
        (SayNode("hello", "join"), {"join": REGISTER}, f"nodes.start.next: {CHOICE} 'join'"),
        (LEAVE, {}, f"unknown_caller: {CHOICE} 'start'"),
        (choose(), {}, "nodes.start.choices: it is empty"),
        (choose(("12", "yes")), {}, "'12' is not a key; use one of 0-9, * and #"),
        (choose(("1", "yes"), ("1", "no")), {}, "the key '1' has 2 choices"),
        (replace(menu("bye"), language_key="2"), {}, "the key '2' has 2 choices"),
        (choose(("1", "maybe")), {}, "nodes.start.choices.1: there are no words 'maybe' for en"),
        (choose(("1", "yes"), ("2", "yes")), {}, "'yes' is said for the keys 1 and 2 in en"),
        (dial(timeout=4), {}, "nodes.start.timeout_seconds: 4 is not from 5 to 120"),
        (menu("bye"), {"Extra": HangUpNode()}, "nodes.Extra: a name has a lower-case letter"),
    ],
)
def test_a_flow_that_violates_a_rule_is_rejected(
    node: FlowNode, others: dict[str, FlowNode], problem: str
) -> None:
    found = problems(with_start(node, **others))
    assert [line for line in found if problem in line], found


def test_a_flow_has_at_most_200_nodes() -> None:
    nodes: dict[str, FlowNode] = {f"n{n}": SayNode("hello", f"n{n + 1}") for n in range(300)}
    flow = make_flow({**nodes, "n300": BYE}, unknown="n0", known="n0")
    assert problems(flow) == ["nodes: there are 301; at most 200 are allowed"]


def test_a_phrase_inside_a_phrase_of_another_choice_is_listed() -> None:
    words = {"yes": ("leave", "no"), "no": ("leave me", "please leave me", "believe")}
    flow = with_locales(en=make_locale(words=words))
    message = "'leave' (1) is inside 'leave me' (2) and 1 more in en"
    assert list(list_contained_phrases(flow)) == [("nodes.start.choices", message)]


# Locales


def test_texts_and_words_are_needed_in_every_locale() -> None:
    hindi = replace(make_locale("hi-IN"), texts={}, words={})
    found = problems(with_locales(en=make_locale(), hi=hindi))
    assert any("there is no text 'question' for hi" in line for line in found)
    assert any("there are no words 'yes' for hi" in line for line in found)
    assert "locales.hi.texts: there is no text 'code_greeting'; add it" in found


@pytest.mark.parametrize(
    ("locale", "problem"),
    [
        (replace(make_locale(), countries=("XX",)), "countries: 'XX' is not an ISO 3166-1 code"),
        (replace(make_locale(), voice=Voice("English")), "language: 'English' is not a language"),
        (replace(make_locale(), voice=Voice("en-US", 'a"b')), "is not the name of a voice"),
        (make_locale(words={"yes": ("a,b",), "no": ("no",)}), "'a,b' is not a word"),
        (make_locale(words={"yes": (), "no": ("no",)}), "words.yes: it is empty"),
        (make_locale(words={"yes": ("2",), "no": ("no",)}), "words.yes: '2' is a number, which"),
        (replace(make_locale(), numbers={"10": ("ten",)}), "numbers: '10' is not a key"),
        (replace(make_locale(), numbers={"1": ("please",)}), "fillers: 'please' is a number"),
        (
            make_locale(words={"yes": tuple(f"w{n}" for n in range(501)), "no": ("no",)}),
            "at most 500",
        ),
    ],
)
def test_a_locale_that_violates_a_rule_is_rejected(locale: FlowLocale, problem: str) -> None:
    assert problem in "\n".join(problems(with_locales(en=locale)))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (" ", "it is empty"),
        ("x" * 1001, "it has 1001 characters; at most 1000"),
        ("a\u202eb", "invisible character U+202E"),
    ],
)
def test_a_text_that_cannot_be_said_is_rejected(text: str, problem: str) -> None:
    locale = make_locale()
    locale = replace(locale, texts={**locale.texts, "hello": text})
    assert problem in "\n".join(problems(with_locales(en=locale)))


def test_a_flow_where_callers_leave_has_the_message_that_says_how() -> None:
    locale = make_locale()
    texts = {name: text for name, text in locale.texts.items() if name != LEAVING_MESSAGE}
    without_message = {"en": replace(locale, texts=texts)}
    leaving = with_start(menu("leave"), leave=LEAVE)
    assert problems(replace(leaving, locales=without_message)) == [
        "locales.en.texts: there is no text 'leaving_message'; add it"
    ]
    assert problems(with_locales(**without_message)) == []


def test_a_flow_has_locales_with_tags_and_countries_of_their_own() -> None:
    indian = make_locale(countries=("IN",))
    assert problems(with_locales(hi=indian, en=indian)) == [
        "locales.en.countries: IN belongs to hi too; remove one"
    ]
    assert problems(with_locales(english=make_locale())) == [
        "locales.english: its name is not a locale such as en or pt-BR"
    ]
    assert "locales: there is none" in problems(with_locales())[0]

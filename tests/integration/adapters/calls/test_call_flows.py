"""Call flows in TOML files: the built-in one, and errors in those of operators."""

import os
import re
from pathlib import Path
from typing import Final

import pytest

from adapters.calls.flows import InvalidCallFlow, read_call_flow
from adapters.calls.flows.flow_document import KINDS
from domain.features.voice.flow import CallFlow, DialResult, MenuNode
from domain.features.voice.instructions import GoTo
from domain.features.voice.walk import (
    Answered,
    CallBack,
    CallEvent,
    ClaimedCaller,
    Continued,
    Dialed,
    EffectResult,
    Leave,
    Register,
    Step,
    advance,
    start,
)
from domain.phone import PhoneNumber
from tests.support.call_flows import spoken
from tests.support.markdown import blocks_in, page

PAGE: Final = page("docs/voice.md")
(EXAMPLE,) = blocks_in("toml", PAGE)
US, INDIA, MEXICO = map(PhoneNumber, ("+14155552671", "+919876543210", "+525512345678"))
DONE: Final = EffectResult.DONE
# The words of each locale in the answers of the tests.
WORDS: Final = {
    US: ("Yes.", "No", "leave", "feedback"),
    INDIA: ("हाँ।", "नहीं", "छोड़ना", "सुझाव"),
    MEXICO: ("¡Sí!", "no", "baja", "comentario"),
}


@pytest.fixture(scope="module")
def flow() -> CallFlow:
    return read_call_flow(None, "Demo")


def walk(flow: CallFlow, caller: ClaimedCaller, *events: CallEvent) -> Step:
    step = start(flow, caller)
    for event in events:
        assert step.position
        step = advance(flow, step.position, caller, event)
    return step


def said(word: str) -> Answered:
    return Answered(speech=word)


def load_text(folder: Path, text: str) -> CallFlow:
    file = folder / "flow.toml"
    file.write_text(text, encoding="utf-8")
    return read_call_flow(file, "Demo")


def replaced(old: str, new: str) -> str:
    assert old in EXAMPLE
    return str(EXAMPLE).replace(old, new, 1)


@pytest.mark.parametrize("phone", WORDS)
def test_the_words_of_each_language_lead_through_the_flow(
    flow: CallFlow, phone: PhoneNumber
) -> None:
    yes, no, leave, feedback = map(said, WORDS[phone])
    unknown, known = ClaimedCaller(phone), ClaimedCaller(phone, "an identity")

    effect = walk(flow, unknown, yes, Continued()).effect
    assert isinstance(effect, Register)
    assert "Demo" in effect.consent
    assert walk(flow, unknown, yes, Continued(), DONE).path == ("thanks", "operator")
    assert walk(flow, unknown, no).path == ("not_joined",)
    assert walk(flow, unknown, Answered(keys="2")).path == ("not_joined",)
    assert walk(flow, known, leave, yes).effect == Leave()
    assert walk(flow, known, feedback).path == ("feedback",)
    assert walk(flow, known, Answered(keys="2")).effect == CallBack()


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(InvalidCallFlow) as error:
        load_text(folder, text)
    prefix = str(folder / "flow.toml")
    assert all(line.startswith(prefix) for line in error.value.lines)
    return [line.removeprefix(prefix).lstrip(",: ") for line in error.value.lines]


def test_the_documented_flow_is_valid_and_its_default_locale_comes_first(tmp_path: Path) -> None:
    other = EXAMPLE[EXAMPLE.index("[locales.en]") :].replace("locales.en", "locales.aa")
    head, locale = EXAMPLE.split("[locales.en]")

    flow = load_text(tmp_path, f"{head}{other}\n[locales.en]{locale}")

    assert list(flow.locales) == ["en", "aa"]
    assert flow.locales["en"].texts["question"].startswith("This is Demo.")
    assert load_text(tmp_path, EXAMPLE).locales == {"en": flow.locales["en"]}
    assert re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE) == list(KINDS)


NODES = "use one of bye, operator, question, or add [nodes.by]"
FIELDS = "use choices, give_up, invalid, kind, language_key, repetition, text"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = [", ["it is not TOML: "]),
        (f"x = {'9' * 5000}", ["it has a number with too many digits"]),
        (
            replaced('answered = "bye"', 'answered = "by"'),
            [f"nodes.operator.answered: there is no node 'by'; {NODES}"],
        ),
        (
            replaced('give_up = "bye"', 'giveup = "bye"'),
            [
                f"nodes.question.giveup: there is no such field; {FIELDS}",
                'nodes.question.give_up: it is missing; add give_up = "…"',
            ],
        ),
        (
            replaced('busy = "bye"', 'busy = "bye"\ntimeout_seconds = "20"\nmax_seconds = true'),
            [
                "nodes.operator.timeout_seconds: it is not a whole number; write timeout_seconds ",
                "nodes.operator.max_seconds: it is not a whole number; write max_seconds = 20",
            ],
        ),
        (replaced("{app}", "{code}"), ["locales.en.texts.question: '{code}' is not a placeholder"]),
        (
            replaced('default_locale = "en"', 'default_locale = "de"'),
            ["default_locale: there is no table [locales.de]; use one of en"],
        ),
        (
            'default_locale = "en"\nunknown_caller = "a"\nknown_caller = "a"\nnodes = 1\n',
            [
                "nodes: there is none; add a table [nodes.NAME]",
                "locales: there is none; add a table [locales.NAME]",
                "unknown_caller: there is no node 'a'; add [nodes.a]",
                "known_caller: there is no node 'a'; add [nodes.a]",
            ],
        ),
        (f'"a\\n\\u001b" = 1\n{EXAMPLE}', [""]),
        (
            replaced('kind = "menu"', 'kind = "many"').replace('busy = "bye"', 'busy = "x"')
            + "2 = 1",
            ["nodes.question.kind: it is missing", "locales.en.numbers.2", "nodes.operator.busy"],
        ),
    ],
)
def test_an_error_names_file_node_and_fix(tmp_path: Path, text: str, expected: list[str]) -> None:
    found = problems(tmp_path, text)

    for line in expected:
        assert any(problem.startswith(line) for problem in found), found
    assert len(found) == len(expected), found
    assert all(problem.isprintable() for problem in found)


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InvalidCallFlow, match=r"gone.toml: it cannot be read \(No such file"):
        read_call_flow(tmp_path / "gone.toml", "Demo")
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(InvalidCallFlow, match=r"pipe.toml: it cannot be read \(not a regular"):
        read_call_flow(tmp_path / "pipe.toml", "Demo")
    (tmp_path / "flow.toml").write_bytes(b"\xff\xff")
    with pytest.raises(InvalidCallFlow, match=r"flow.toml: it is not UTF-8 text"):
        read_call_flow(tmp_path / "flow.toml", "Demo")
    (tmp_path / "flow.toml").write_text("x = " + "[" * 5000)
    with pytest.raises(InvalidCallFlow, match=r"flow.toml: it "):
        read_call_flow(tmp_path / "flow.toml", "Demo")


@pytest.mark.parametrize(
    "phone", [US, *(pytest.param(phone, marks=pytest.mark.slow) for phone in (INDIA, MEXICO))]
)
def test_at_most_fifty_words_are_said_until_a_key_is_awaited(
    flow: CallFlow, phone: PhoneNumber
) -> None:
    events: list[CallEvent] = [Answered(), Continued(), Dialed(DialResult.BUSY), DONE]
    events += [Answered(keys=key) for key in "123489"]
    words: dict[tuple[str, bool], set[int]] = {}
    for identity_id in (None, "an identity"):
        caller = ClaimedCaller(phone, identity_id)
        steps = [(start(flow, caller), 0)]
        while steps:
            step, before = steps.pop()
            said = before + sum(len(text.split()) for text in spoken(step.instructions))
            assert said <= 50, step.path
            position = step.position
            if position is None:
                continue
            known = words.setdefault((position.node, position.repeat > 0), set())
            if said not in known:
                known.add(said)
                goes_on = isinstance(next(reversed(step.instructions), None), GoTo)
                possible = [Continued()] if goes_on else events
                following = [advance(flow, position, caller, event) for event in possible]
                steps += ((one, said if goes_on else 0) for one in following)
    assert all(node.repetition for node in flow.nodes.values() if isinstance(node, MenuNode))

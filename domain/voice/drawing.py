"""A call flow as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html)."""

from collections.abc import Iterator
from typing import Final

from domain.voice.flow import (
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
    SayNode,
    list_targets,
)

_LINE_LENGTH: Final = 40
_EDGES: Final = {
    "next": "",
    "give_up": "no answer",
    "no_answer": "no answer",
    "failed": "failed",
    "silent": "silence",
    "refused": "limit reached",
    "verified": "verified: not changed",
    "left": "unverified: deleted",
}


def draw(flow: CallFlow) -> str:
    """Return a flowchart with the texts of the default locale."""
    locale = next(iter(flow.locales.values()))
    lines = ["flowchart TD"]
    for field, first in flow.first_nodes.items():
        caller = field.removesuffix("_caller")
        lines.append(f"    {caller}([{caller} caller]) --> {_id(first)}")
    for name, node in flow.nodes.items():
        lines.append(f"    {_id(name)}{_shape(name, node, locale)}")
        lines += (f"    {_id(name)} {edge}" for edge in _edges(name, node, locale))
    return "\n".join(lines)


def _id(name: str) -> str:
    # Mermaid does not accept some words, such as `end`, as ids.
    return f"n_{name}"


def _shape(name: str, node: FlowNode, locale: FlowLocale) -> str:
    match node:
        case SayNode(text):
            return f'["{_label(name, locale.texts[text])}"]'
        case MenuNode(text):
            return f'{{{{"{_label(name, locale.texts[text])}"}}}}'
        case DialNode(text):
            return f'[["{_label(f"{name}: call the operator", locale.texts[text])}"]]'
        case RecordNode(text):
            return f'[/"{_label(f"{name}: record", locale.texts[text])}"/]'
        case RegisterNode(consent):
            return f'[["{_label(f"{name}: consent, then join", locale.texts[consent])}"]]'
        case LeaveNode():
            return f'[["{_label(f"{name}: leave the service")}"]]'
        case CallbackNode(text):
            return f'(["{_label(f"{name}: hang up, call back", locale.texts[text])}"])'
        case HangUpNode(text):
            return f'(["{_label(f"{name}: hang up", locale.texts.get(text, ""))}"])'


def _edges(name: str, node: FlowNode, locale: FlowLocale) -> Iterator[str]:
    if isinstance(node, MenuNode):
        for choice in node.choices:
            word = locale.words[choice.words[0]][0]
            yield f'-->|"{choice.key}: {_escape(word)}"| {_id(choice.next)}'
        if node.language_key:
            yield f'-->|"{node.language_key}: another language"| {_id(name)}'
    for field, target in list_targets(node):
        if not field.startswith("choices."):
            label = _EDGES.get(field, field)
            yield f'-->|"{label}"| {_id(target)}' if label else f"--> {_id(target)}"


def _label(title: str, text: str = "") -> str:
    lines = [f"<b>{title}</b>"]
    for word in text.split():
        if len(lines) > 1 and len(lines[-1]) + len(word) < _LINE_LENGTH:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "<br>".join([lines[0], *map(_escape, lines[1:])])


def _escape(text: str) -> str:
    # Mermaid's entities begin with a number sign.
    entities = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"}
    return "".join(entities.get(character, character) for character in text)

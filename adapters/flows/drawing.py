"""A call flow as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html)."""

import textwrap
from collections.abc import Iterator, Mapping
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
# Mermaid's entities begin with a number sign.
_ENTITIES: Final = str.maketrans(
    {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"}
)
_SHAPES: Final[Mapping[type[FlowNode], tuple[str, str]]] = {
    SayNode: ("[{}]", ""),
    MenuNode: ("{{{{{}}}}}", ""),
    DialNode: ("[[{}]]", ": call the operator"),
    RecordNode: ("[/{}/]", ": record"),
    RegisterNode: ("[[{}]]", ": consent, then join"),
    LeaveNode: ("[[{}]]", ": leave the service"),
    CallbackNode: ("([{}])", ": hang up, call back"),
    HangUpNode: ("([{}])", ": hang up"),
}
"""The shape of each kind of node, and what its title says beside the name."""
_EDGES: Final = {
    "next": "",
    "give_up": "no answer",
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
    shape, action = _SHAPES[type(node)]
    text = node.consent if isinstance(node, RegisterNode) else getattr(node, "text", "")
    said = locale.texts.get(text, "")
    wrapped = textwrap.wrap(said, _LINE_LENGTH, break_long_words=False, break_on_hyphens=False)
    label = "<br>".join([f"<b>{name}{action}</b>", *map(_escape, wrapped)])
    return shape.format(f'"{label}"')


def _edges(name: str, node: FlowNode, locale: FlowLocale) -> Iterator[str]:
    if isinstance(node, MenuNode):
        for choice in node.choices:
            word = locale.words[choice.words[0]][0]
            yield f'-->|"{choice.key}: {_escape(word)}"| {_id(choice.next)}'
        if node.language_key:
            yield f'-->|"{node.language_key}: another language"| {_id(name)}'
    for field, target in list_targets(node):
        if not field.startswith("choices."):
            label = _EDGES.get(field, field.replace("_", " "))
            yield f'-->|"{label}"| {_id(target)}' if label else f"--> {_id(target)}"


def _escape(text: str) -> str:
    return text.translate(_ENTITIES)

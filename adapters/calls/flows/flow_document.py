"""The TOML document of a call flow: its tables and fields."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, get_type_hints

import msgspec

from adapters.calls.flows.flow_rules import FlowProblem
from domain.features.voice.flow import (
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
from domain.features.voice.instructions import Voice

KINDS: Final[Mapping[str, type[FlowNode]]] = {
    "say": SayNode,
    "menu": MenuNode,
    "dial": DialNode,
    "record": RecordNode,
    "register": RegisterNode,
    "leave": LeaveNode,
    "callback": CallbackNode,
    "hang_up": HangUpNode,
}
Table = dict[str, Any]
_EXPECTED: Final[Mapping[Any, tuple[str, str]]] = {
    str: ("a text", '"…"'),
    int: ("a whole number", "20"),
    tuple[str, ...]: ("a list of texts", '["…", "…"]'),
    list[Table]: ("a list", '[{ key = "1", words = "yes", next = "…" }]'),
    tuple[Choice, ...]: ("a list", "[…]"),
    Table: ("a table", "{ … = … }"),
}
"""What a field can be, and an example."""
_BRACES: Final = re.compile(r"\{(?!app\})[^{}]*\}?|(?<!\{app)\}")


def read_flow_document(
    document: Table, app_name: str
) -> tuple[CallFlow, list[FlowProblem], set[str]]:
    """Return the flow, the problems, and the names of the nodes that could not be read."""
    reader = _Reader(app_name)
    callers = ("unknown_caller", "known_caller", "anonymous_caller")
    reader.check_fields("", document, {"default_locale", *callers, "nodes", "locales"})
    nodes = {
        name: reader.read_node(f"nodes.{name}", table)
        for name, table in reader.read_tables(document, "nodes").items()
    }
    locales = {
        tag: reader.read_locale(f"locales.{tag}", table)
        for tag, table in reader.read_tables(document, "locales").items()
    }
    default_locale: str = reader.read("", document, "default_locale", str)
    if default_locale in locales:
        locales = {default_locale: locales[default_locale], **locales}
    elif default_locale and locales:
        message = f"there is no table [locales.{default_locale}]; use one of {', '.join(locales)}"
        reader.report("default_locale", message)
    flow = CallFlow(
        reader.read("", document, "unknown_caller", str),
        reader.read("", document, "known_caller", str),
        {name: node for name, node in nodes.items() if node is not None},
        locales,
        reader.read("", document, "anonymous_caller", str, default=""),
    )
    return flow, reader.problems, nodes.keys() - flow.nodes.keys()


class _Reader:
    """Reads tables, and collects problems instead of stopping at the first one."""

    def __init__(self, app_name: str) -> None:
        self.problems: list[FlowProblem] = []
        self._app_name = app_name

    def report(self, place: str, message: str) -> None:
        self.problems.append(FlowProblem(place, message))

    def check_fields(self, place: str, table: Table, known: set[str]) -> None:
        for field in table.keys() - known:
            message = f"there is no such field; use {', '.join(sorted(known))}"
            self.report(_join(place, field), message)

    def read(self, place: str, table: Table, field: str, kind: Any, default: Any = MISSING) -> Any:
        """Return the value of a field, an empty one if it is missing or of another kind."""
        value = table.get(field, default)
        expected, example = _EXPECTED[kind]
        if value is MISSING:
            self.report(_join(place, field), f"it is missing; add {field} = {example}")
            return kind()
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError:
            message = f"it is not {expected}; write {field} = {example}"
            self.report(_join(place, field), message)
            return kind()

    def read_tables(self, document: Table, field: str) -> dict[str, Table]:
        tables = document.get(field)
        if not isinstance(tables, dict) or not tables:
            self.report(field, f"there is none; add a table [{field}.NAME]")
            return {}
        read = {name: self.read(field, tables, name, Table) for name in tables}
        return {name: table for name, table in read.items() if table == tables[name]}

    def read_node(self, place: str, table: Table) -> FlowNode | None:
        """Return the node, or None if it cannot be read."""
        kind = table.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            self.report(f"{place}.kind", f"it is missing or unknown; use {', '.join(KINDS)}")
            return None
        before = len(self.problems)
        if KINDS[kind] is MenuNode:
            table = {**table, "choices": self._read_choices(place, table)}
        node: FlowNode = self._read_fields(place, table, KINDS[kind], "kind")
        return node if len(self.problems) == before else None

    def _read_choices(self, place: str, table: Table) -> tuple[Choice, ...]:
        choices = []
        for number, choice in enumerate(self.read(place, table, "choices", list[Table], []), 1):
            if isinstance(choice.get("words"), str):
                choice["words"] = [choice["words"]]
            choice_place = f"{place}.choices.{choice.get('key', number)}"
            choices.append(self._read_fields(choice_place, choice, Choice))
        return tuple(choices)

    def _read_fields(self, place: str, table: Table, target: Any, *others: str) -> Any:
        """Return a dataclass whose fields have the names of the table's."""
        kinds = get_type_hints(target)
        self.check_fields(place, table, {*kinds, *others})
        return target(
            **{
                field.name: self.read(place, table, field.name, kinds[field.name], field.default)
                for field in fields(target)
            }
        )

    def read_locale(self, place: str, table: Table) -> FlowLocale:
        lists = ("names", "fillers", "negations", "number_words", "countries", "offered_in")
        self.check_fields(place, table, {"language", "voice", "texts", "words", "numbers", *lists})
        texts, words, numbers = (
            self.read(place, table, field, Table, {}) for field in ("texts", "words", "numbers")
        )
        return FlowLocale(
            Voice(
                self.read(place, table, "language", str), self.read(place, table, "voice", str, "")
            ),
            {name: self._read_spoken_text(f"{place}.texts", texts, name) for name in texts},
            {name: self._read_phrases(f"{place}.words", words, name) for name in words},
            numbers={key: self._read_phrases(f"{place}.numbers", numbers, key) for key in numbers},
            **{field: self._read_phrases(place, table, field) for field in lists},
        )

    def _read_phrases(self, place: str, table: Table, field: str) -> tuple[str, ...]:
        # A comma separates the phrases that a provider expects.
        app_name = self._app_name.replace(",", " ")
        texts = self.read(place, table, field, tuple[str, ...], ())
        return tuple(text.replace("{app}", app_name) for text in texts)

    def _read_spoken_text(self, place: str, texts: Table, name: str) -> str:
        text: str = self.read(place, texts, name, str)
        if match := _BRACES.search(text):
            message = f"{match[0]!r} is not a placeholder; there is {{app}} only"
            self.report(f"{place}.{name}", message)
        # Line breaks are for the reader of the file.
        return " ".join(text.replace("{app}", self._app_name).split())


def _join(place: str, field: str) -> str:
    return f"{place}.{field}" if place else field

"""The TOML document of a call flow: its tables and fields."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Final

from domain.voice.flow import (
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
from domain.voice.flow_rules import FlowProblem
from domain.voice.instructions import Voice

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
_BRACES: Final = re.compile(r"\{(?!app\})[^{}]*\}?|(?<!\{app)\}")


def read_document(
    document: Mapping[str, Any], app_name: str
) -> tuple[CallFlow, list[FlowProblem], set[str]]:
    """Return the flow, the problems, and the names of the nodes that could not be read."""
    reader = _Reader(app_name)
    callers = ("unknown_caller", "known_caller", "anonymous_caller")
    fields_ = {"default_locale", *callers, "nodes", "locales"}
    reader.check_fields("", document, fields_)
    nodes: dict[str, FlowNode] = {}
    unreadable: set[str] = set()
    for name, table in reader.tables(document, "nodes").items():
        node = reader.read_node(f"nodes.{name}", table)
        if node is None:
            unreadable.add(name)
        else:
            nodes[name] = node
    locales = {
        tag: reader.read_locale(f"locales.{tag}", table)
        for tag, table in reader.tables(document, "locales").items()
    }
    default_locale = reader.text("", document, "default_locale")
    if default_locale in locales:
        locales = {default_locale: locales[default_locale], **locales}
    elif default_locale and locales:
        message = f"there is no table [locales.{default_locale}]; use one of {', '.join(locales)}"
        reader.report("default_locale", message)
    flow = CallFlow(
        reader.text("", document, "unknown_caller"),
        reader.text("", document, "known_caller"),
        nodes,
        locales,
        reader.text("", document, "anonymous_caller", default=""),
    )
    return flow, reader.problems, unreadable


class _Reader:
    """Reads tables, and collects problems instead of stopping at the first one."""

    def __init__(self, app_name: str) -> None:
        self.problems: list[FlowProblem] = []
        self._app_name = app_name

    def report(self, place: str, message: str) -> None:
        self.problems.append(FlowProblem(place, message))

    def check_fields(self, place: str, table: Mapping[str, Any], known: set[str]) -> None:
        for field in table.keys() - known:
            message = f"there is no such field; use {', '.join(sorted(known))}"
            self.report(_join(place, field), message)

    def tables(self, table: Mapping[str, Any], field: str) -> dict[str, Mapping[str, Any]]:
        value = table.get(field, {})
        if not isinstance(value, dict) or not value:
            self.report(field, f"there is none; add a table [{field}.NAME]")
            return {}
        for name in [name for name, entry in value.items() if not isinstance(entry, dict)]:
            self.report(f"{field}.{name}", f"it is not a table; write [{field}.{name}]")
        return {name: entry for name, entry in value.items() if isinstance(entry, dict)}

    def text(self, place: str, table: Mapping[str, Any], field: str, default: Any = MISSING) -> str:
        value = table.get(field, default)
        if value is MISSING:
            self.report(_join(place, field), f'it is missing; add {field} = "…"')
        elif not isinstance(value, str):
            self.report(_join(place, field), f'it is not a text; write {field} = "…"')
        else:
            return value
        return ""

    def number(self, place: str, table: Mapping[str, Any], field: str, default: Any) -> int:
        value = table.get(field, default)
        # A bool is an int.
        if type(value) is int:
            return value
        self.report(_join(place, field), f"it is not a whole number; write {field} = 20")
        return 0

    def texts(self, place: str, table: Mapping[str, Any], field: str) -> tuple[str, ...]:
        value = table.get(field, [])
        if isinstance(value, list) and all(isinstance(text, str) for text in value):
            # A comma separates the phrases that a provider expects.
            app_name = self._app_name.replace(",", " ")
            return tuple(text.replace("{app}", app_name) for text in value)
        self.report(_join(place, field), f'it is not a list of texts; write {field} = ["…", "…"]')
        return ()

    def read_node(self, place: str, table: Mapping[str, Any]) -> FlowNode | None:
        """Return the node, or None if it cannot be read."""
        kind = table.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            self.report(f"{place}.kind", f"it is missing or unknown; use {', '.join(KINDS)}")
            return None
        before = len(self.problems)
        node_type = KINDS[kind]
        names = {field.name for field in fields(node_type)}
        self.check_fields(place, table, {"kind", *names})
        values = {field.name: self._read_field(place, table, field) for field in fields(node_type)}
        return node_type(**values) if len(self.problems) == before else None

    def _read_field(self, place: str, table: Mapping[str, Any], field: Field[Any]) -> Any:
        if field.name == "choices":
            return self._read_choices(f"{place}.choices", table.get("choices", []))
        if field.type in (int, "int"):
            return self.number(place, table, field.name, field.default)
        return self.text(place, table, field.name, field.default)

    def _read_choices(self, place: str, value: object) -> tuple[Choice, ...]:
        if not isinstance(value, list) or not all(isinstance(choice, dict) for choice in value):
            message = 'it is not a list; write [{ key = "1", words = "yes", next = "…" }]'
            self.report(place, message)
            return ()
        choices = []
        for number, choice in enumerate(value, 1):
            choice_place = f"{place}.{choice.get('key', number)}"
            self.check_fields(choice_place, choice, {"key", "words", "next"})
            key, target = (self.text(choice_place, choice, field) for field in ("key", "next"))
            if isinstance(choice.get("words"), list):
                words = self.texts(choice_place, choice, "words")
            else:
                words = (self.text(choice_place, choice, "words"),)
            choices.append(Choice(key, words, target))
        return tuple(choices)

    def read_locale(self, place: str, table: Mapping[str, Any]) -> FlowLocale:
        lists = ("names", "fillers", "negations", "number_words", "countries", "offered_in")
        known = {"language", "voice", "texts", "words", "numbers", *lists}
        self.check_fields(place, table, known)
        voice = Voice(
            self.text(place, table, "language"), self.text(place, table, "voice", default="")
        )
        texts = self._sub_table(place, table, "texts")
        words = self._sub_table(place, table, "words")
        numbers = self._sub_table(place, table, "numbers")
        return FlowLocale(
            voice,
            {name: self._read_spoken_text(f"{place}.texts", texts, name) for name in texts},
            {name: self.texts(f"{place}.words", words, name) for name in words},
            numbers={key: self.texts(f"{place}.numbers", numbers, key) for key in numbers},
            **{name: self.texts(place, table, name) for name in lists},
        )

    def _sub_table(self, place: str, table: Mapping[str, Any], field: str) -> Mapping[str, Any]:
        value = table.get(field, {})
        if isinstance(value, dict):
            return value
        self.report(f"{place}.{field}", f"it is not a table; write [{place}.{field}]")
        return {}

    def _read_spoken_text(self, place: str, texts: Mapping[str, Any], name: str) -> str:
        text = self.text(place, texts, name)
        if match := _BRACES.search(text):
            message = f"{match[0]!r} is not a placeholder; there is {{app}} only"
            self.report(f"{place}.{name}", message)
        # Line breaks are for the reader of the file.
        return " ".join(text.replace("{app}", self._app_name).split())


def _join(place: str, field: str) -> str:
    return f"{place}.{field}" if place else field

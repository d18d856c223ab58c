"""The details of a user in rows, for `dialtone user show`."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

Row: TypeAlias = tuple[str, str]
"""The name of a field in words, and its value in one line; empty without one."""
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{3}Z")


@dataclass(frozen=True, slots=True)
class Section:
    """A field whose value is a Struct, or a list of Structs, with the rows of each."""

    label: str
    items: Sequence[Sequence[Row]]
    is_list: bool


def list_rows(details: msgspec.Struct) -> tuple[Sequence[Row], Sequence[Section]]:
    """Return the fields that fit in one line, and the others. Null and empty objects are left out.

    Lists without an item are in the last row. A Struct has all its fields, or those that it
    names in `printed`, whose words say the rest.
    """
    rows, sections, empty = list[Row](), list[Section](), list[str]()
    for label, value in _fields_of(details):
        match value:
            case msgspec.Struct():
                sections.append(Section(label, [[row for row in _rows_of(value) if row[1]]], False))
            case [msgspec.Struct(), *_]:
                sections.append(Section(label, [[*_rows_of(each)] for each in value], True))
            case []:
                empty.append(label)
            case _ if text := _to_text(value):
                rows.append((label, text))
    if empty:
        rows.append(("none", ", ".join(empty)))
    return rows, sections


def _rows_of(struct: msgspec.Struct) -> Iterator[Row]:
    return ((label, _to_text(value)) for label, value in _fields_of(struct))


def _fields_of(struct: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    for name in getattr(struct, "printed", struct.__struct_fields__):
        value = getattr(struct, name)
        if value is not msgspec.UNSET:
            yield name.replace("_", " "), value


def _to_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case msgspec.Struct():
            return join_rows(_rows_of(value))
        case Mapping():
            return json.dumps(value, ensure_ascii=False) if value else ""
        case list() | tuple():
            return ", ".join(map(_to_text, value))
        case str() if time := _TIME.fullmatch(value):
            return f"{time[1]} {time[2]} UTC"
        case _:
            return str(value)


def join_rows(rows: Iterable[Row]) -> str:
    """Return rows in one line, without those that have no value."""
    return ", ".join(f"{label} {text}" for label, text in rows if text)

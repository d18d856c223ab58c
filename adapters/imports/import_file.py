"""A file that is imported: JSON lines, or CSV with a header (RFC 4180)."""

import csv
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from application.features.imports.lines import Line
from application.ports.errors import ConfigurationError

REJECTED_COLUMNS: Final = ("rejected_line", "rejected_reason", "rejected_message")
"""First columns of a file of rejected lines, which can be mended and read again."""
MAX_RECORD_LENGTH: Final = 1 << 20
"""Bytes of a line, or characters of a CSV record, which may have several lines."""
MAX_UNKNOWN_FIELDS: Final = 1000
"""Unknown fields that are named. Each JSON object may have others."""
_BOM: Final = b"\xef\xbb\xbf"
_COMPRESSED: Final = (b"\x1f\x8b", b"PK\x03\x04")
"""gzip and ZIP, which a spreadsheet's own file is."""
_TOO_LONG: Final = f"has more than {MAX_RECORD_LENGTH} bytes"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_TEXT_FORMULA: Final = re.compile(r'\s*="((?:[^"]|"")*)"\s*')
_NUMBER: Final = re.compile(r"\d(?:\W?\d){6}")
_RECIPES: Final = "docs/importing.md has recipes for the exports of other services."


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFile:
    """A file, which may be read several times.

    - If it begins with `{`, it is JSON lines: an object a line. Otherwise it is CSV.
    - A field with another name is an error, and a missing required field too: an import would
      leave out what its operator believes to be imported.

    Attributes:
        required: The names that the file has to have, and what to say where one is missing.
        objects: The names of the fields that are an object of JSON; in CSV, its text.
    """

    path: Path
    names: Sequence[str]
    required: Mapping[str, str]
    objects: Collection[str] = ()

    def read(self) -> Iterator[Line]:
        """Yield the lines. Empty ones are skipped."""
        with self._open() as file:
            lines = self._decode(file)
            first = self._find_first(lines)
            is_json = first[1].lstrip().startswith("{")
            yield from (self._read_json if is_json else self._read_csv)(chain([first], lines))

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        if self.path.is_dir():
            raise ConfigurationError(f"{self.path} is a folder: name a file.")
        if self.path.exists() and not self.path.is_file():
            raise ConfigurationError(
                f"{self.path} is not a regular file, and it is read several times: save it as one."
            )
        try:
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be read: {error.strerror}.") from None

    def _decode(self, file: BinaryIO) -> Iterator[tuple[int, str]]:
        number = 0
        while line := file.readline(MAX_RECORD_LENGTH + 1):
            number += 1
            if number == 1:
                line = self._check_beginning(line)
            if len(line) > MAX_RECORD_LENGTH:
                raise self._invalid(number, _TOO_LONG)
            try:
                yield number, line.decode()
            except UnicodeDecodeError:
                raise self._invalid(
                    number,
                    "is not UTF-8: save the file as UTF-8 (a spreadsheet calls it CSV UTF-8)",
                ) from None

    def _check_beginning(self, line: bytes) -> bytes:
        if line.startswith(_COMPRESSED):
            raise ConfigurationError(
                f"{self.path} is compressed, or a spreadsheet: unpack it, or save it as CSV."
            )
        text = line.removeprefix(_BOM)
        stripped = text.strip()
        # A list, or an object that goes on in the next line.
        goes_on = stripped.startswith(b"{") and stripped.endswith((b"{", b"[", b","))
        if stripped.startswith(b"[") or goes_on:
            raise ConfigurationError(
                f"{self.path} begins like one JSON document: an import reads an object a line, "
                f"without commas between them. {_RECIPES}"
            )
        return text

    def _find_first(self, lines: Iterator[tuple[int, str]]) -> tuple[int, str]:
        for number, line in lines:
            if line.strip():
                return number, line
        raise ConfigurationError(f"{self.path} is empty.")

    def _invalid(self, number: int, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{self.path}: line {number} {problem}.")

    def _check_unknown(self, unknown: Iterable[str], hint: str = "") -> None:
        if shown := ", ".join(unknown):
            known = f"An import knows {', '.join(self.names)}."
            raise ConfigurationError(
                f"{self.path} has unknown fields: {shown}. {known} {hint}{_RECIPES}"
            )

    def _check_required(self, present: Collection[str], kind: str) -> None:
        for name, hint in self.required.items():
            if name not in present:
                raise ConfigurationError(f"{self.path} has no {kind} {name}{hint}")

    def _list_unknown(self, names: Iterable[str]) -> Sequence[str]:
        known = (*self.names, *REJECTED_COLUMNS)
        shown = dict.fromkeys(_show_column(name) for name in names if name not in known)
        return [*shown][:MAX_UNKNOWN_FIELDS]

    # CSV

    def _read_csv(self, lines: Iterable[tuple[int, str]]) -> Iterator[Line]:
        with self._explain_csv(numbers := _Lines(lines)):
            rows = csv.reader(numbers, strict=True)
            columns = [name.strip() for name in next(rows)]
            self._check_columns(columns)
            start = numbers.begin_record()
            for row in rows:
                if row:
                    yield self._read_row(start, columns, row)
                start = numbers.begin_record()

    @contextmanager
    def _explain_csv(self, lines: "_Lines") -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            raise self._invalid(lines.last, f"is not valid CSV ({error})") from None
        except _LongRecord:
            raise self._invalid(lines.last, f"is in a record that {_TOO_LONG}") from None

    def _check_columns(self, columns: Sequence[str]) -> None:
        self._check_unknown(
            self._list_unknown(columns),
            "The first line of CSV names the columns, with commas between them. ",
        )
        for name, count in Counter(columns).items():
            if count > 1:
                raise ConfigurationError(f"{self.path} has two columns {name}.")
        self._check_required(columns, "column")

    def _read_row(self, number: int, columns: Sequence[str], row: Sequence[str]) -> Line:
        fields = {name: "" for name in columns if name in self.names}
        for name, text in zip(columns, row, strict=False):
            if name in fields:
                fields[name] = _unescape(text)
        if len(row) == len(columns):
            return Line(number, fields)
        return Line(number, fields, f"It has {len(row)} fields, and the header has {len(columns)}.")

    # JSON

    def _read_json(self, lines: Iterable[tuple[int, str]]) -> Iterator[Line]:
        unknown, present, has_objects = dict[str, int](), set[str](), False
        for number, line in lines:
            if not line.strip():
                continue
            found = _parse_object(line)
            if found is None:
                yield Line(number, dict.fromkeys(self.names, ""), "It is not a JSON object.")
                continue
            has_objects = True
            present.update(self.required.keys() & found.keys())
            for name in self._list_unknown(found):
                unknown.setdefault(name, number)
            if len(unknown) > MAX_UNKNOWN_FIELDS:
                break
            yield self._read_object(number, found)
        self._check_unknown(f"{name} (line {number})" for name, number in unknown.items())
        if has_objects:
            self._check_required(present, "field")

    def _read_object(self, number: int, found: Mapping[str, object]) -> Line:
        texts = {name: _to_text(found.get(name)) for name in self.names}
        for name in self.objects:
            if isinstance(value := found.get(name), dict):
                texts[name] = json.dumps(value, ensure_ascii=False)
        fields = {name: text or "" for name, text in texts.items()}
        wrong = next((name for name, text in texts.items() if text is None), None)
        if wrong is None:
            return Line(number, fields)
        allowed = "an object" if wrong in self.objects else "a text, a number, true or false"
        return Line(number, fields, f"{wrong} is not {allowed}.")


class _LongRecord(Exception):
    """A record of many lines is as long as no line may be."""


class _Lines:
    """Iterates over lines, and knows the number of the last one."""

    def __init__(self, lines: Iterable[tuple[int, str]]) -> None:
        self._lines = iter(lines)
        self._length = 0
        self.last = 0

    def begin_record(self) -> int:
        """Return the number of the line with which the next record begins."""
        self._length = 0
        return self.last + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.last, line = next(self._lines)
        self._length += len(line)
        if self._length > MAX_RECORD_LENGTH:
            raise _LongRecord
        return line


def _show_column(name: str) -> str:
    """Return the name of a column, unless it may be a phone number."""
    if _NUMBER.search(name):
        return "(hidden)"
    return (name[:40] or "(no name)") if name.isprintable() else "?"


def _unescape(text: str) -> str:
    """Return a text without what keeps a spreadsheet from changing it: `'+1…` or `="+1…"`."""
    if formula := _TEXT_FORMULA.fullmatch(text):
        return formula[1].replace('""', '"')
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA_STARTS else text


def _parse_object(line: str) -> Mapping[str, object] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _to_text(value: object) -> str | None:
    """Return a value of JSON as the text that CSV would have; None for a list or an object."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
        case _:
            return None

"""A file of users: CSV with a header (RFC 4180), or JSON lines. Both have the fields of a user."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from application.features.imports.user_lines import LineFields, UserLine
from application.ports.errors import ConfigurationError

FIELD_NAMES: Final = tuple(field.name for field in fields(LineFields))
REJECTED_COLUMNS: Final = ("rejected_line", "rejected_reason", "rejected_message")
"""What a file of rejected lines has before the fields, so that it can be mended and read again."""
MAX_RECORD_LENGTH: Final = 1 << 20
"""In bytes of a line, and in characters of a CSV record, which may have several."""
MAX_UNKNOWN_FIELDS: Final = 1000
"""How many are named. Each JSON object may have others."""
_BLOCKED: Final = "blocked"
_CLAIMS: Final = "claims"
_BOM: Final = b"\xef\xbb\xbf"
_COMPRESSED: Final = (b"\x1f\x8b", b"PK\x03\x04")
"""gzip and ZIP, which a spreadsheet's own file is."""
_TOO_LONG: Final = f"has more than {MAX_RECORD_LENGTH} bytes"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_TEXT_FORMULA: Final = re.compile(r'\s*="((?:[^"]|"")*)"\s*')
_NUMBER: Final = re.compile(r"\d(?:\W?\d){6}")
_KNOWN: Final = f"An import knows {', '.join(FIELD_NAMES)}."
_RECIPES: Final = "docs/importing.md has recipes for the exports of other services."


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFile:
    """A file of users, which may be read several times.

    - If it begins with `{`, it is JSON lines: an object a line. Otherwise it is CSV.
    - A field that is none of a user's is an error, and so is a file that does not say who is
      blocked: an import would leave out what its operator believes to be imported.

    Attributes:
        path: The file.
        ignores_blocks: Read nobody as blocked.
    """

    path: Path
    ignores_blocks: bool = False

    def read(self) -> Iterator[UserLine]:
        """Yield the lines. Empty ones are skipped.

        Raises:
            ConfigurationError: The file cannot be read as a whole; the message says why. Of JSON
                lines some of that is known at their end.
        """
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
        """Yield the lines with their numbers."""
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
        """Return the first line without a mark of its encoding."""
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
        """Return the first line that is not empty."""
        for number, line in lines:
            if line.strip():
                return number, line
        raise ConfigurationError(f"{self.path} is empty.")

    def _invalid(self, number: int, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{self.path}: line {number} {problem}.")

    def _has_unknown(self, names: Iterable[str], hint: str = "") -> ConfigurationError:
        shown = ", ".join(names)
        return ConfigurationError(
            f"{self.path} has unknown fields: {shown}. {_KNOWN} {hint}{_RECIPES}"
        )

    def _says_no_blocks(self, kind: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.path} has no {kind} {_BLOCKED}, which says who is blocked elsewhere: without "
            "it they could sign in here. Add it, or use --ignore-blocks if nobody is."
        )

    def _to_line(self, number: int, original: Mapping[str, str]) -> UserLine:
        if not self.ignores_blocks:
            return UserLine(number, original, LineFields(**original))
        read = LineFields(**{**original, _BLOCKED: ""})
        return UserLine(number, original, read, unread=[_BLOCKED] if original.get(_BLOCKED) else ())

    # CSV

    def _read_csv(self, lines: Iterable[tuple[int, str]]) -> Iterator[UserLine]:
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
        repeated = [name for name, count in Counter(columns).items() if count > 1]
        unknown = _list_unknown(columns)
        if unknown:
            raise self._has_unknown(
                unknown, "The first line of CSV names the columns, with commas between them. "
            )
        if repeated:
            raise ConfigurationError(f"{self.path} has two columns {repeated[0]}.")
        if "phone" not in columns:
            raise ConfigurationError(
                f"{self.path} has no column phone. Its columns are: {', '.join(columns)}."
            )
        if _BLOCKED not in columns and not self.ignores_blocks:
            raise self._says_no_blocks("column")

    def _read_row(self, number: int, columns: Sequence[str], row: Sequence[str]) -> UserLine:
        original = {name: "" for name in columns if name in FIELD_NAMES}
        for name, text in zip(columns, row, strict=False):
            if name in original:
                original[name] = _unescape(text)
        if len(row) != len(columns):
            message = f"It has {len(row)} fields, and the header has {len(columns)}."
            return UserLine(number, original, None, message)
        return self._to_line(number, original)

    # JSON

    def _read_json(self, lines: Iterable[tuple[int, str]]) -> Iterator[UserLine]:
        unknown = dict[str, int]()
        has_objects, says_blocks = False, self.ignores_blocks
        for number, line in lines:
            if not line.strip():
                continue
            found = _parse_object(line)
            if found is None:
                nothing = dict.fromkeys(FIELD_NAMES, "")
                yield UserLine(number, nothing, None, "It is not a JSON object.")
                continue
            has_objects, says_blocks = True, says_blocks or _BLOCKED in found
            for name in _list_unknown(found):
                unknown.setdefault(name, number)
            if len(unknown) > MAX_UNKNOWN_FIELDS:
                break
            yield self._read_object(number, found)
        if unknown:
            raise self._has_unknown(f"{name} (line {number})" for name, number in unknown.items())
        if has_objects and not says_blocks:
            raise self._says_no_blocks("field")

    def _read_object(self, number: int, found: Mapping[str, object]) -> UserLine:
        texts = {name: _to_text(found.get(name)) for name in FIELD_NAMES}
        if isinstance(claims := found.get(_CLAIMS), dict):
            texts[_CLAIMS] = json.dumps(claims, ensure_ascii=False)
        original = {name: text or "" for name, text in texts.items()}
        line = self._to_line(number, original)
        for name, text in texts.items():
            if text is None:
                allowed = "an object" if name == _CLAIMS else "a text, a number, true or false"
                return replace(line, message=f"{name} is not {allowed}.")
        return line


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


def show_column(name: str) -> str:
    """Return the name of a column, unless it may be a phone number."""
    if _NUMBER.search(name):
        return "(hidden)"
    return (name[:40] or "(no name)") if name.isprintable() else "?"


def _list_unknown(names: Iterable[str]) -> Sequence[str]:
    """Return the names of fields that an import does not know, as they are shown."""
    known = (*FIELD_NAMES, *REJECTED_COLUMNS)
    shown = dict.fromkeys(show_column(name) for name in names if name not in known)
    return [*shown][:MAX_UNKNOWN_FIELDS]


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

"""A file of users: CSV with a header (RFC 4180), JSON lines, or a JSON document with a list."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final

from adapters.user_files.formats import FORMATS, Format, Row, recognize, to_text, with_columns
from adapters.user_files.json_users import (
    MAX_RECORD_LENGTH,
    is_document,
    read_json_document,
    read_json_lines,
)
from application.imports.user_lines import UserLine
from application.ports.errors import ConfigurationError

_BOM: Final = b"\xef\xbb\xbf"
_COMPRESSED: Final = (b"\x1f\x8b", b"PK\x03\x04")
"""gzip and ZIP, which a spreadsheet's own file is."""
_SECRET: Final = re.compile("password|salt|token|secret", re.IGNORECASE)
_MAX_SEARCHED_LENGTH: Final = 200
_OTHER_DELIMITERS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars", ",": "commas"}
_TOO_LONG: Final = f"has more than {MAX_RECORD_LENGTH} bytes"
_NOT_UTF8: Final = "is not UTF-8: save the file as UTF-8 (a spreadsheet calls it CSV UTF-8)"
_RECORD: Final = "record"
"""The column of a report that has a JSON object."""
_OPTIONAL_COLUMNS: Final = 2
"""How many columns at the end older versions of a tool do not write."""
_NUMBER: Final = re.compile(r"\d(?:\W?\d){6}")
_NUMBER_ONLY: Final = re.compile(r"[\s'+(]*\d(?:[\s().-]*\d){6,}\s*")
_EMPTY: Final[tuple[Any, ...]] = ("", [], {})
_OWN: Final = "dialtone"
_SHOWN_COLUMNS: Final = 20
MAX_COLUMNS: Final = 1000
"""Of a CSV file. The exports of all services have fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFile:
    """A file of users, which may be read several times.

    Attributes:
        path: The file.
        format_name: A name in FORMATS; None to recognize it by its columns.
        columns: For fields that are elsewhere than the form says: the names of their columns.
        delimiter: What is between the fields of a CSV file.
        ignores_blocks: Read nobody as blocked. Otherwise a file that does not say who is blocked
            cannot be read.
    """

    path: Path
    format_name: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    ignores_blocks: bool = False

    def read(self) -> Iterator[UserLine]:
        """Yield the lines. Empty ones are skipped.

        Raises:
            ConfigurationError: The file cannot be read as a whole; the message says why.
        """
        with self._open() as file:
            lines = self._decode(file)
            first = self._find_first(lines)
            if not _is_json(first[1]):
                yield from self._read_csv(chain([first], lines))
            elif is_document(first[1]):
                with self._explain_encoding():
                    yield from self._read_objects(read_json_document(self.path))
            else:
                if _is_cut(first[1]):
                    raise self._invalid(first[0], _TOO_LONG)
                yield from self._read_objects(read_json_lines(chain([first], lines)))

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
        """Yield the lines with their numbers. Only a JSON document may have a longer one."""
        number = 0
        while line := file.readline(MAX_RECORD_LENGTH + 1):
            number += 1
            if number == 1 and line.startswith(_COMPRESSED):
                raise ConfigurationError(
                    f"{self.path} is compressed, or a spreadsheet: unpack it, or save it as CSV."
                )
            text_bytes = line.removeprefix(_BOM) if number == 1 else line
            is_cut = len(line) > MAX_RECORD_LENGTH
            if is_cut and (number > 1 or text_bytes[:1] not in (b"[", b"{")):
                raise self._invalid(number, _TOO_LONG)
            try:
                yield number, text_bytes.decode(errors="ignore" if is_cut else "strict")
            except UnicodeDecodeError:
                raise self._invalid(number, _NOT_UTF8) from None

    def _find_first(self, lines: Iterator[tuple[int, str]]) -> tuple[int, str]:
        """Return the first line that is not empty."""
        for number, line in lines:
            if line.strip():
                return number, line
        raise ConfigurationError(f"{self.path} is empty.")

    def _invalid(self, number: int, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{self.path}: line {number} {problem}.")

    @contextmanager
    def _explain_encoding(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError:
            raise ConfigurationError(f"{self.path} {_NOT_UTF8}.") from None

    # CSV

    def _read_csv(self, lines: Iterable[tuple[int, str]]) -> Iterator[UserLine]:
        with self._explain_csv(numbers := _Lines(lines)):
            rows = csv.reader(numbers, delimiter=self.delimiter, strict=True)
            header = next(rows)
            form, columns, has_header = self._choose_columns(header)
            start = numbers.begin_record() if has_header else 1
            for row in rows if has_header else chain([header], rows):
                if row:
                    yield self._to_line(start, form, columns, row)
                start = numbers.begin_record()

    @contextmanager
    def _explain_csv(self, lines: "_Lines") -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            raise self._invalid(lines.last, f"is not valid CSV ({error})") from None
        except _LongRecord:
            raise self._invalid(lines.last, f"is in a record that {_TOO_LONG}") from None

    def _choose_columns(self, header: Sequence[str]) -> tuple[Format, Sequence[str], bool]:
        """Return the form, the columns, and whether the first line is a header."""
        if len(header) > MAX_COLUMNS:
            raise ConfigurationError(
                f"{self.path} has {len(header):,} columns, and an import reads at most "
                f"{MAX_COLUMNS:,}: export fewer, or see --delimiter."
            )
        known = FORMATS.get(self.format_name or "")
        columns = [name.strip() for name in header]
        if known and known.positions and known.phone not in columns:
            return self._adapt(known), known.positions, False
        self._check_header(columns)
        name = self.format_name or recognize(frozenset(columns), is_csv=True)
        form = self._choose_format(columns, name)
        missing = {form.phone, *self.columns.values()}.difference(columns)
        if missing:
            raise ConfigurationError(
                f"{self.path} has no column {min(missing)}. Its columns are: "
                f"{list_columns(columns)}. "
                "See --format and --column."
            )
        if form.blocks and form.blocks[0] not in columns:
            raise self._says_no_blocks("column", form)
        return form, columns, True

    def _says_no_blocks(self, kind: str, form: Format) -> ConfigurationError:
        return ConfigurationError(
            f"{self.path} has no {kind} {form.blocks[0]}, which says who is blocked or disabled "
            "there: without it they could sign in here. Export it (docs/importing.md says how), "
            "name another one with --column blocked=NAME, or use --ignore-blocks if nobody is."
        )

    def _check_header(self, columns: Sequence[str]) -> None:
        if any(_NUMBER_ONLY.fullmatch(name) for name in columns):
            raise ConfigurationError(
                f"{self.path} begins with a phone number: put the names of the columns into its "
                "first line, such as phone,username."
            )
        repeated = {name for name, count in Counter(columns).items() if name and count > 1}
        if repeated:
            raise ConfigurationError(
                f"{self.path} has two columns {list_columns([min(repeated)])}."
            )
        for delimiter, name in _OTHER_DELIMITERS.items():
            if len(columns) == 1 and delimiter in columns[0]:
                shown = "'\\t'" if delimiter == "\t" else f"'{delimiter}'"
                raise ConfigurationError(
                    f"{self.path} seems to have {name} between its fields: use --delimiter {shown}."
                )

    def _to_line(
        self, number: int, form: Format, columns: Sequence[str], row: Sequence[str]
    ) -> UserLine:
        # All columns, because a report has those of its first line.
        original = _without_secrets(
            {**dict.fromkeys(columns, ""), **dict(zip(columns, row, strict=False))}
        )
        shortest = len(columns) - (_OPTIONAL_COLUMNS if form.positions else 0)
        if not shortest <= len(row) <= len(columns):
            message = f"It has {len(row)} fields, and the header has {len(columns)}."
            return UserLine(number, original, None, message)
        texts = [text.removeprefix("'") for text in row] if form.is_quoted else row
        row_read = form.expand(dict(zip(columns, texts, strict=False)))
        return _read_line(number, original, form, row_read)

    # JSON

    def _read_objects(self, objects: Iterable[tuple[int, Any]]) -> Iterator[UserLine]:
        forms, form, says_blocks = dict[str | None, Format](), None, False
        for number, value in objects:
            if not isinstance(value, dict):
                yield UserLine(number, {_RECORD: ""}, None, "It is not a JSON object.")
                continue
            name = self.format_name or recognize(frozenset(value), is_csv=False)
            if name in forms:
                form = forms[name]
            elif name is not None or form is None:
                form = forms[name] = self._choose_format([*value], name)
            expanded = form.expand(value)
            says_blocks = says_blocks or not form.blocks or form.blocks[0] in expanded
            try:
                original = {_RECORD: to_text(_without_secrets(value))}
                yield _read_line(number, original, form, expanded)
            except RecursionError:
                yield UserLine(number, {_RECORD: ""}, None, "It is nested too deeply.")
        # Services leave the field out of the objects of those who are not blocked.
        if form is not None and not says_blocks:
            raise self._says_no_blocks("field", form)

    def _choose_format(self, columns: Sequence[str], name: str | None) -> Format:
        """Return the form with this name, or that of an operator who has named columns."""
        if name is None and not self.columns:
            raise ConfigurationError(
                f"{self.path} is of no known form. Its columns are: {list_columns(columns)}. See "
                "--format, and --column phone=NAME."
            )
        return self._adapt(FORMATS[name or _OWN])

    def _adapt(self, form: Format) -> Format:
        """Return a form with what the operator wants of it."""
        adapted = with_columns(form, self.columns) if self.columns else form
        return adapted.ignore_blocks() if self.ignores_blocks else adapted


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


def _is_cut(line: str) -> bool:
    """Return whether only the beginning of a line was read. Its last character may be missing."""
    return not line.endswith("\n") and len(line.encode()) >= MAX_RECORD_LENGTH - len(_BOM)


def _read_line(number: int, original: Mapping[str, str], form: Format, row: Row) -> UserLine:
    unread = [
        name
        for name, value in row.items()
        if name not in form.columns and value is not None and value not in _EMPTY
    ]
    return UserLine(number, original, form.read(row), unread=unread)


def _is_json(first_line: str) -> bool:
    return first_line.lstrip().startswith(("{", "["))


def _without_secrets(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not _may_be_secret(name)}


def _may_be_secret(name: str) -> bool:
    return len(name) > _MAX_SEARCHED_LENGTH or _SECRET.search(name) is not None


def list_columns(columns: Sequence[str]) -> str:
    """Return names of columns as one text, without any that may be a phone number."""
    shown = ", ".join(map(show_column, columns[:_SHOWN_COLUMNS]))
    return f"{shown}, …" if len(columns) > _SHOWN_COLUMNS else shown


def show_column(name: str) -> str:
    """Return the name of a column, unless it may be a phone number."""
    if _NUMBER.search(name):
        return "(hidden)"
    return name[:40] if name.isprintable() else "?"

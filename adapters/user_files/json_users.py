"""JSON objects of users: one a line, or in the list of a document."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from application.ports.errors import ConfigurationError

MAX_RECORD_LENGTH: Final = 1 << 20
"""In bytes of a line, and in characters of a JSON object."""
_CHUNK_LENGTH: Final = 1 << 16
_LISTS: Final = ("users", "Users")
_START_OF_LIST: Final = re.compile(r'\s*(?:\{\s*"[Uu]sers"\s*:\s*)?\[')
# All that a first line may have of it: JSON lines have a whole object there.
_FIRST_LINE: Final = re.compile(r'\s*(?:\[.*|\{\s*(?:"[Uu]sers"\s*(?::\s*(?:\[.*)?)?)?)', re.DOTALL)
_BETWEEN_OBJECTS: Final = re.compile(r"[\s,]*")


def is_document(first_line: str) -> bool:
    """Return whether a file that begins with this line is one JSON document with a list."""
    try:
        value = json.loads(first_line)
    except (ValueError, RecursionError):
        return _FIRST_LINE.fullmatch(first_line) is not None
    return isinstance(value, list) or (
        isinstance(value, dict) and any(isinstance(value.get(name), list) for name in _LISTS)
    )


def read_json_lines(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Any]]:
    """Yield the value of each line with its number; None for one that is not valid."""
    for number, line in lines:
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                yield number, None


def read_json_document(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the values of the list with the numbers of their first lines, one at a time.

    The document may be larger than memory.

    Raises:
        ConfigurationError: The document is not valid.
    """
    decoder, number, text = json.JSONDecoder(), 1, ""
    with path.open(encoding="utf-8-sig") as file:
        while not (start := _START_OF_LIST.match(text)):
            chunk = file.read(_CHUNK_LENGTH)
            if not chunk or len(text) > MAX_RECORD_LENGTH:
                raise ConfigurationError(f"{path} has no list of users at its beginning.")
            text += chunk
        number, position = number + text.count("\n", 0, start.end()), start.end()
        while True:
            begin = _end_of_space(text, position)
            number += text.count("\n", position, begin)
            position = begin
            if text.startswith("]", position):
                return
            try:
                value, end = decoder.raw_decode(text, position)
            except (ValueError, RecursionError):
                # As much again, so that a long value is not parsed many times.
                chunk = file.read(max(_CHUNK_LENGTH, len(text) - position))
                text, position = text[position:] + chunk, 0
                if not chunk or len(text) > MAX_RECORD_LENGTH:
                    raise ConfigurationError(
                        f"{path}: line {number} begins a JSON value that is not valid, that has no "
                        f"end, or that has more than {MAX_RECORD_LENGTH} characters."
                    ) from None
                continue
            yield number, value
            number += text.count("\n", position, end)
            position = end


def _end_of_space(text: str, position: int) -> int:
    match = _BETWEEN_OBJECTS.match(text, position)
    return match.end() if match else position

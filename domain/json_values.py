"""Values of JSON that all programs and databases read alike."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from domain.errors import InvalidCharacters, InvalidNumber

MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that programs which have only floating-point numbers read exactly, such as
those in JavaScript (RFC 7493 §2.2)."""
# Objects are tuples of pairs. The rest need not be exact, since only keys are looked at.
_PAIRS: Final = json.JSONDecoder(object_pairs_hook=tuple, parse_int=float, strict=False)


def find_repeated_keys(content: bytes, fields: Collection[str]) -> Mapping[str, str]:
    """Find the fields of a JSON object that come twice, or have a key twice, at any depth.

    Of such a key some programs read the first value, and others the last (RFC 8259 §4).
    """
    repeated: dict[str, str] = {}
    names: set[str] = set()
    for name, value in _PAIRS.decode(content.decode(errors="replace")):
        if name not in fields:
            continue
        key = name if name in names else _find_repeated_key(value)
        names.add(name)
        if key is not None:
            repeated[name] = key
    return repeated


def _find_repeated_key(value: object) -> str | None:
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, list):
            rest += value
        elif isinstance(value, tuple):
            keys: set[str] = set()
            for key, member in value:
                if key in keys:
                    return str(key)
                keys.add(key)
                rest.append(member)
    return None


def has_nul(value: object) -> bool:
    """Return whether a key or a text in a value has a NUL, where some programs end a text."""
    return any(isinstance(each, str) and "\0" in each for each in _walk(value))


def check_json(value: object) -> None:
    """Check the keys and values in a value, at any depth.

    Raises:
        InvalidCharacters: A key or a text has a NUL.
        InvalidNumber: An integer is larger than `MAX_INTEGER`, or smaller than its negative.
    """
    if has_nul(value):
        raise InvalidCharacters("Keys and texts have no NUL (U+0000).")
    if any(isinstance(each, int) and abs(each) > MAX_INTEGER for each in _walk(value)):
        raise InvalidNumber(
            f"Many programs round an integer beyond ±{MAX_INTEGER}. Send it as a text."
        )


def _walk(value: object) -> Iterator[object]:
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, Mapping):
            rest += [*value, *value.values()]
        elif isinstance(value, list):
            rest += value
        else:
            yield value

"""Text in a terminal's columns."""

import unicodedata
from collections.abc import Iterator

_JOINERS = "\u200c\u200d"  # Persian, Hindi and emoji need them


def columns_of(text: str) -> int:
    """How many columns the text takes (Unicode UAX #11: wide ones take two)."""
    return sum(map(_columns, text))


def harmless(line: str) -> str:
    """The line without what could steer a terminal or turn the text around."""
    return "".join(
        one if one.isprintable() or one in _JOINERS else "\N{REPLACEMENT CHARACTER}"
        for one in line.replace("\t", " ")
    )


def wrapped(line: str, limit: int) -> Iterator[str]:
    """Break the line between words, and a word only when it is longer than a whole line."""
    row = ""
    for word in line.split(" "):
        longer = f"{row} {word}" if row else word
        if columns_of(longer) <= limit:
            row = longer
            continue
        if row:
            yield row
        *full, row = _pieces(word, limit)
        yield from full
    yield row


def _pieces(word: str, limit: int) -> list[str]:
    pieces = [""]
    for one in word:
        if columns_of(pieces[-1]) + _columns(one) > limit:
            pieces.append("")
        pieces[-1] += one
    return pieces


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

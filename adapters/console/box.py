"""A message in a box, as a terminal shows it."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Final

_CYAN: Final = "\x1b[36m"
_RESET: Final = "\x1b[0m"
_JOINERS: Final = "\u200c\u200d"  # Persian, Hindi and emoji need them


@dataclass(frozen=True, slots=True)
class Border:
    """The characters of a box's border."""

    horizontal: str
    vertical: str
    top_left: str
    top_right: str
    bottom_left: str
    bottom_right: str

    def is_encodable(self, encoding: str) -> bool:
        """Return whether the encoding has all of these characters."""
        try:
            "".join(astuple(self)).encode(encoding)
        except UnicodeEncodeError:
            return False
        return True


UNICODE_BORDER: Final = Border("─", "│", "┌", "┐", "└", "┘")
ASCII_BORDER: Final = Border("-", "|", "+", "+", "+", "+")


def render_box(to: str, text: str, *, width: int, encoding: str, has_colors: bool) -> str:
    """Render the recipient and the text in a box of at most `width` columns.

    - Lines are broken between words. Only a word that is wider than the box is broken.
    - Control characters and characters that reorder text are replaced.
    - Characters that the encoding lacks are escaped.
    """
    border = UNICODE_BORDER if UNICODE_BORDER.is_encodable(encoding) else ASCII_BORDER
    rows = [f"To: {to}"]
    for line in text.splitlines() or [""]:
        printable = _replace_control_characters(line).encode(encoding, "backslashreplace")
        rows += wrap_line(printable.decode(encoding), width - 4)
    return _render_rows(rows, border, has_colors=has_colors)


def column_width(text: str) -> int:
    """Return the number of terminal columns of a text (UAX #11: wide characters take two)."""
    return sum(map(_character_width, text))


def wrap_line(line: str, max_columns: int) -> Iterator[str]:
    """Break a line between words, and a word only if it is wider than a row."""
    row = ""
    for word in line.split(" "):
        extended = f"{row} {word}" if row else word
        if column_width(extended) <= max_columns:
            row = extended
            continue
        if row:
            yield row
        *full_rows, row = _split_word(word, max_columns)
        yield from full_rows
    yield row


def _render_rows(rows: Sequence[str], border: Border, *, has_colors: bool) -> str:
    inner_width = max(map(column_width, rows))
    line = border.horizontal * (inner_width + 2)
    # Only the border is colored: the text keeps the terminal's own, readable color.
    color, reset = (_CYAN, _RESET) if has_colors else ("", "")
    side = f"{color}{border.vertical}{reset}"
    return "\n".join(
        (
            f"{color}{border.top_left}{line}{border.top_right}{reset}",
            *(f"{side} {row}{' ' * (inner_width - column_width(row))} {side}" for row in rows),
            f"{color}{border.bottom_left}{line}{border.bottom_right}{reset}",
            "",
        )
    )


def _replace_control_characters(line: str) -> str:
    return "".join(
        character
        if character.isprintable() or character in _JOINERS
        else "\N{REPLACEMENT CHARACTER}"
        for character in line.replace("\t", " ")
    )


def _split_word(word: str, max_columns: int) -> list[str]:
    parts = [""]
    for character in word:
        if column_width(parts[-1]) + _character_width(character) > max_columns:
            parts.append("")
        parts[-1] += character
    return parts


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

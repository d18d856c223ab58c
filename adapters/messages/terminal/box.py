"""A message in a box, as a terminal shows it."""

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len, chop_cells

_JOINERS: Final = "\u200c\u200d"  # Persian, Hindi and emoji need them
_CYAN: Final = "\x1b[36m{}\x1b[0m"


def render_box(to: str, text: str, *, width: int, encoding: str, has_colors: bool) -> str:
    """Render the recipient and the text in a box of at most `width` columns.

    - Lines are broken between words. Only a word that is wider than the box is broken.
    - Control characters and characters that reorder text are replaced.
    - Characters that the encoding lacks are escaped.
    """
    lines = [_replace_control_characters(line) for line in text.splitlines() or [""]]
    content = "\n".join([f"To: {to}", *lines])
    if not content.isascii():
        content = content.encode(encoding, "backslashreplace").decode(encoding)
    lines = content.split("\n")
    widest = min(max(map(cell_len, lines)), width - 4)
    # Only the border is colored: the text keeps the terminal's own, readable color.
    border = _CYAN if has_colors else "{}"
    is_unicode = encoding.lower().startswith("utf")
    top, side, bottom = ("┌{}┐", "│", "└{}┘") if is_unicode else ("+{}+", "|", "+{}+")
    bar, side = ("─" if is_unicode else "-") * (widest + 2), border.format(side)
    rows = [
        f"{side} {part}{' ' * (widest - cell_len(part))} {side}\n"
        for line in lines
        for part in _break_line(line, widest)
    ]
    first, last = (border.format(edge.format(bar)) for edge in (top, bottom))
    return f"{first}\n{''.join(rows)}{last}\n"


def _break_line(line: str, width: int) -> Iterator[str]:
    if cell_len(line) <= width:
        yield line
        return
    part = ""
    for word in line.split(" "):
        if part and cell_len(f"{part} {word}") <= width:
            part = f"{part} {word}"
            continue
        if part:
            yield part
        *full, part = chop_cells(word, width) or [""]
        yield from full
    yield part


def _replace_control_characters(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        character
        if character.isprintable() or character in _JOINERS
        else "\N{REPLACEMENT CHARACTER}"
        for character in line.replace("\t", " ")
    )

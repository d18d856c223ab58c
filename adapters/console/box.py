"""A message in a box, as a terminal shows it."""

from io import BytesIO, TextIOWrapper
from typing import Final

from rich.box import ASCII, SQUARE
from rich.cells import cell_len
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

_JOINERS: Final = "\u200c\u200d"  # Persian, Hindi and emoji need them

_HEIGHT: Final = 25
"""Cuts nothing. Without a height, rich ignores the width of a terminal without colors."""


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
    if not has_colors and (box := _draw_box(content, width, encoding)):
        return box
    console = Console(
        file=TextIOWrapper(BytesIO(), encoding),  # its encoding decides about the border
        width=width,
        height=_HEIGHT,
        force_terminal=has_colors,
        color_system="standard" if has_colors else None,
    )
    # Only the border is colored: the text keeps the terminal's own, readable color.
    with console.capture() as captured:
        panel = Panel(Text(content, overflow="fold"), SQUARE, expand=False, border_style="cyan")
        console.print(panel)
    return captured.get()


def _draw_box(content: str, width: int, encoding: str) -> str | None:
    """Draw what rich would, in a thirtieth of the time; None if a line has to be broken."""
    lines = content.split("\n")
    measure = len if content.isascii() else cell_len
    widths = list(map(measure, lines))
    widest = max(widths)
    if widest > width - 4:
        return None
    top, between, bottom = _borders(encoding, widest)
    padded = [line + " " * (widest - cells) for line, cells in zip(lines, widths, strict=True)]
    return top + between.join(padded) + bottom


def _borders(encoding: str, widest: int) -> tuple[str, str, str]:
    """Return what is before the first line of a box, between two lines, and after the last."""
    box = SQUARE if encoding.lower().startswith("utf") else ASCII
    left, right, bar = f"{box.mid_left} ", f" {box.mid_right}\n", box.top * (widest + 2)
    return (
        f"{box.top_left}{bar}{box.top_right}\n{left}",
        f"{right}{left}",
        f"{right}{box.bottom_left}{bar}{box.bottom_right}\n",
    )


def _replace_control_characters(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        character
        if character.isprintable() or character in _JOINERS
        else "\N{REPLACEMENT CHARACTER}"
        for character in line.replace("\t", " ")
    )

"""A message in a box, as a terminal shows it."""

from io import BytesIO, TextIOWrapper
from typing import Final

from rich.box import SQUARE
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
    lines = map(_replace_control_characters, [f"To: {to}", *(text.splitlines() or [""])])
    encoded = "\n".join(lines).encode(encoding, "backslashreplace")
    content = Text(encoded.decode(encoding), overflow="fold")
    console = Console(
        file=TextIOWrapper(BytesIO(), encoding),  # its encoding decides about the border
        width=width,
        height=_HEIGHT,
        force_terminal=has_colors,
        color_system="standard" if has_colors else None,
    )
    # Only the border is colored: the text keeps the terminal's own, readable color.
    with console.capture() as captured:
        console.print(Panel(content, SQUARE, expand=False, border_style="cyan"))
    return captured.get()


def _replace_control_characters(line: str) -> str:
    return "".join(
        character
        if character.isprintable() or character in _JOINERS
        else "\N{REPLACEMENT CHARACTER}"
        for character in line.replace("\t", " ")
    )

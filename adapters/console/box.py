"""The box that a message is shown in."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

from adapters.console.columns import columns_of, harmless, wrapped

_DIM: Final = "\x1b[36m"
_RESET: Final = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Border:
    """The characters that a box is drawn with."""

    horizontal: str
    vertical: str
    top_left: str
    top_right: str
    bottom_left: str
    bottom_right: str

    def can_be_written_in(self, encoding: str) -> bool:
        """Whether the encoding has them."""
        try:
            "".join(astuple(self)).encode(encoding)
        except UnicodeEncodeError:
            return False
        return True


LINES: Final = Border("─", "│", "┌", "┐", "└", "┘")
ASCII: Final = Border("-", "|", "+", "+", "+", "+")


def boxed(to: str, text: str, *, width: int, encoding: str, has_colors: bool) -> str:
    """Draw who gets the message, and its text, at most `width` columns wide.

    A word, and so a code, is never broken; where the width allows it, no line is.
    """
    border = LINES if LINES.can_be_written_in(encoding) else ASCII
    rows = [f"To: {to}"]
    for line in text.splitlines() or [""]:
        rows += wrapped(_in_encoding(harmless(line), encoding), width - 4)
    return _drawn(rows, border, has_colors=has_colors)


def _drawn(rows: Sequence[str], border: Border, *, has_colors: bool) -> str:
    inner = max(map(columns_of, rows))
    rule = border.horizontal * (inner + 2)
    # The text keeps the terminal's own colours: it is what has to be read.
    color, reset = (_DIM, _RESET) if has_colors else ("", "")
    side = f"{color}{border.vertical}{reset}"
    return "\n".join(
        (
            f"{color}{border.top_left}{rule}{border.top_right}{reset}",
            *(f"{side} {row}{' ' * (inner - columns_of(row))} {side}" for row in rows),
            f"{color}{border.bottom_left}{rule}{border.bottom_right}{reset}",
            "",
        )
    )


def _in_encoding(text: str, encoding: str) -> str:
    return text.encode(encoding, "backslashreplace").decode(encoding)

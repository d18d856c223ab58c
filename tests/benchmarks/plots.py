"""Plots as SVG: horizontal bars."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

ROW_HEIGHT: Final = 24
LABEL_WIDTH: Final = 390
BAR_WIDTH: Final = 380
TOP: Final = 64
TEXT_OFFSET: Final = 16


def render_bars(title: str, rows: Iterable[tuple[str, float, str]]) -> str:
    """Return horizontal bars. A row has a label, a value, and the text of the value."""
    listed = list(rows)
    longest = max((value for _, value, _ in listed), default=0) or 1
    parts = []
    for row, (label, value, text) in enumerate(listed):
        y = TOP + row * ROW_HEIGHT
        width = max(1, BAR_WIDTH * value / longest)
        parts.append(_text(LABEL_WIDTH - 8, y + TEXT_OFFSET, label, "end"))
        parts.append(_rectangle(LABEL_WIDTH, y, width, "#8ab4f8"))
        parts.append(_text(LABEL_WIDTH + width + 6, y + TEXT_OFFSET, text, "start"))
    return _svg(title, LABEL_WIDTH + BAR_WIDTH + 170, len(listed), parts)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _rectangle(x: float, y: float, width: float, color: str) -> str:
    size = f'width="{width:.1f}" height="{ROW_HEIGHT - 2}"'
    return f'<rect x="{x:g}" y="{y:g}" {size} fill="{color}"/>'


def _svg(title: str, width: int, rows: int, parts: Sequence[str]) -> str:
    height = TOP + rows * ROW_HEIGHT + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="12" y="26" font-size="17" font-weight="bold">{escape(title)}</text>',
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"

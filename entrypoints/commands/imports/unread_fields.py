"""The fields that an import does not read, for the terminal."""

from collections.abc import Iterator
from typing import Final

from adapters.user_files import show_column
from application.imports.unread_fields import UnreadFields

_SHOWN: Final = 20


def render_unread(kind: str, unit: str, unread: UnreadFields) -> Iterator[str]:
    """Render the names, the most frequent first, with the number of lines or rows."""
    if not unread.lines:
        return
    found = unread.lines.most_common()
    shown = [f"{show_column(name)} ({_count(lines, unit)})" for name, lines in found[:_SHOWN]]
    rest = sum(lines for _, lines in found[_SHOWN:]) + unread.other_values
    more = [f"and others ({_count(rest, 'value')})"] if rest else []
    yield f"{kind} that are not imported: {', '.join([*shown, *more])}"


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"

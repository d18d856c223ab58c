"""What tests read of a page: its tables, its code blocks, and the code in its text."""

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Final, NamedTuple

PROJECT: Final = Path(__file__).parents[2]
PAGES: Final = {
    path: path.read_text(encoding="utf-8")
    for path in (*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md")))
}
"""The text of each page."""
_BLOCK: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_TABLE: Final = re.compile(r"^\|.+\n\|[-| :]+\n((?:\|.+\n?)*)", re.MULTILINE)
_BAR: Final = re.compile(r"(?<!\\)\|")
_LINK: Final = re.compile(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE: Final = re.compile(r"`([^`\n]+)`")


class Block(NamedTuple):
    """A code block."""

    language: str
    text: str


def page(path: str) -> str:
    """Return the text of a page, with a path in the project, or of one of its sections.

    Args:
        path: Such as `docs/keys.md`, or `docs/keys.md#rotation`.
    """
    file, _, name = path.partition("#")
    text = PAGES[PROJECT / file]
    if not name:
        return text
    found = [match for match in _HEADING.finditer(text) if _name(match[1]) == name]
    assert len(found) == 1, path
    level = found[0][0].partition(" ")[0]
    rest = text[found[0].end() :]
    end = re.search(rf"^#{{1,{len(level)}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def links(text: str) -> list[tuple[str, str]]:
    """Return the file and the heading of each link to a file; one of them may be empty."""
    return _LINK.findall(text)


def headings(text: str) -> set[str]:
    """Return the names by which GitHub links to the headings of a page."""
    return {_name(heading) for heading in _HEADING.findall(text)}


def _name(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")


def blocks(text: str) -> Iterator[Block]:
    """Yield the code blocks of a page."""
    for language, block in _BLOCK.findall(text):
        yield Block(language, dedent(block))


def blocks_in(language: str, text: str) -> list[str]:
    """Return the code blocks of a page in one language."""
    return [block.text for block in blocks(text) if block.language == language]


def tables(text: str) -> list[list[list[str]]]:
    """Return the cells of the rows of each table of a page, without those of the head."""
    return [
        [[cell.strip() for cell in _BAR.split(row.strip())[1:-1]] for row in rows.splitlines()]
        for rows in _TABLE.findall(text)
    ]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the rows of all tables of a page."""
    return [row for table in tables(text) for row in table]


def codes(text: str) -> list[str]:
    """Return what is marked as code in a text."""
    return _CODE.findall(text)

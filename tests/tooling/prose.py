"""Check that a reader of one line knows what it is about.

No docstring begins with a word that stands for a noun elsewhere, and no cell of a table in the
pages has more words than a reader keeps in mind.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("domain", "application", "adapters", "entrypoints", "tests")
UNNAMED: Final = ("One", "Those", "That")
MAX_WORDS: Final = 25
_GENERATED: Final = ("retention.md", "sizing.md")
"""Pages whose tables are those of the code, or of a measurement."""


def find_unnamed_docstrings(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each docstring whose first word names nothing."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = str(node.value.value).strip()
            if text.partition(" ")[0] in UNNAMED:
                yield node.lineno, text.splitlines()[0]


def find_long_cells(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each cell of a table that has too many words."""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("|"):
            for cell in line.strip("|").split("|"):
                if len(cell.split()) > MAX_WORDS:
                    yield number, cell.strip()


def main() -> None:
    code = [file for folder in FOLDERS for file in (PROJECT / folder).rglob("*.py")]
    pages = [file for file in (PROJECT / "docs").rglob("*.md") if file.name not in _GENERATED]
    pages += [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    problems = [
        f"{file.relative_to(PROJECT)}:{line}: {text}"
        for files, find in ((code, find_unnamed_docstrings), (pages, find_long_cells))
        for file in sorted(files)
        for line, text in find(file)
    ]
    if problems:
        sys.exit("\n".join([*problems, f"{len(problems)} texts need the noun, or fewer words."]))


if __name__ == "__main__":
    main()

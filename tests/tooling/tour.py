"""The steps of the tour in CONTRIBUTING.md."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.markdown import PROJECT, codes, page, tables

_TOUR: Final = page("CONTRIBUTING.md").partition("\n## A tour")[2].partition("\n## ")[0]
_CHANGE: Final = re.compile(r"^```diff\n--- a/(.+)\n-(.+)\n\+(.+)\n```", re.MULTILINE)
_COMMAND: Final = re.compile(r"^\.venv/bin/python -m ((?:.*\\\n)*.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TextChange:
    """A line of a file, and another one in its place."""

    file: str
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        """Change the file in a copy of the project."""
        path = folder / self.file
        text = path.read_text(encoding="utf-8")
        assert text.count(f"\n{self.old}\n") == 1, f"{self.file} has not one line {self.old}"
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


STOPS: Final = [(codes(row[0])[0], codes(row[1])[0]) for row in tables(_TOUR)[0]]
"""The files to read, each with its function."""
CHANGE, CHANGE_OF_ITS_TEST = [TextChange(*change) for change in _CHANGE.findall(_TOUR)]
PRINT_REQUEST, RUN_TEXT_TEST, RUN_FIELD_TESTS = [
    shlex.split(command.replace("\\\n", "")) for command in _COMMAND.findall(_TOUR)
]
"""The arguments of `python -m`."""
FIELD_DIFF: Final = PROJECT / "docs/tour/add_a_field.diff"


def apply_field_diff(folder: Path) -> list[str | Path]:
    """Return the command of git that applies the diff to a copy of the project.

    A repository around the folder is not used.
    """
    environ = f"GIT_CEILING_DIRECTORIES={folder.parent}"
    return ["env", environ, "git", "-C", folder, "apply", FIELD_DIFF]

"""The list of samples for operators is complete, and names the tests of each."""

import re
from pathlib import Path
from typing import Final

SAMPLES: Final = Path(__file__).parents[2] / "docs/deploy"
WITH_OWN_PAGE: Final = {"compose", "kubernetes"}
_LINK: Final = re.compile(r"\]\(([\w./-]+)\)")
_ROW: Final = re.compile(r"^\| \[.* \|$", re.MULTILINE)


def test_the_list_of_samples_is_complete_and_names_their_tests() -> None:
    page = (SAMPLES / "README.md").read_text(encoding="utf-8")
    samples = {
        str(file.relative_to(SAMPLES))
        for file in SAMPLES.rglob("*")
        if file.is_file() and file.suffix != ".md"
    }
    listed = {name for name in samples if name.partition("/")[0] not in WITH_OWN_PAGE}

    assert listed
    assert listed - set(_LINK.findall(page)) == set()
    assert [row for row in _ROW.findall(page) if "`tests/" not in row] == []

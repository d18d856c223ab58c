"""Each runbook is whole, and the log lines that docs/runbooks.md names exist."""

import re
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
RUNBOOKS: Final = (PROJECT / "docs/runbooks.md").read_text(encoding="utf-8")
_EVENT: Final = re.compile(
    r"`((?:otp|shared|delivery|disk|database|secrets|media|cleanup|request|login)_[a-z_]+)`"
)


def test_each_runbook_says_what_you_see_what_you_do_and_when_it_is_over() -> None:
    sections = re.split(r"^## .+$", RUNBOOKS, flags=re.MULTILINE)[1:]

    assert len(sections) > 5
    for section in sections[:-1]:
        assert "**You see**" in section
        assert "\n1. " in section
        assert "```sh\n" in section
        assert "**It is over** when" in section


def test_the_log_lines_that_the_runbooks_name_are_documented() -> None:
    pages = [(PROJECT / f"docs/{page}.md").read_text() for page in ("log", "security-events")]
    named = set(_EVENT.findall(RUNBOOKS))

    assert len(named) > 10
    assert {name for name in named if f"| `{name}` |" not in "".join(pages)} == set()

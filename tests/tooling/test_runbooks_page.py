"""The log lines that docs/runbooks.md names exist."""

import re
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
RUNBOOKS: Final = (PROJECT / "docs/runbooks.md").read_text(encoding="utf-8")
_EVENT: Final = re.compile(
    r"`((?:otp|shared|delivery|disk|database|secrets|media|cleanup|request|login)_[a-z_]+)`"
)


def test_the_log_lines_that_the_runbooks_name_are_documented() -> None:
    pages = [(PROJECT / f"docs/{page}.md").read_text() for page in ("log", "security-events")]
    named = set(_EVENT.findall(RUNBOOKS))

    assert named
    assert {name for name in named if f"| `{name}` |" not in "".join(pages)} == set()

"""`act` keeps the lines of a command, or does nothing."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.markdown import PROJECT

SAMPLE: Final = PROJECT / "docs/deploy/act"
COMMAND: Final = """#!/bin/sh
echo "done: $*"
echo '{"event":"act_recorded"}' >&2
echo "a note" >&2
exit 7
"""
JOURNAL: Final = """#!/bin/sh
[ "$1" = true ] || cat > journal
"""


@pytest.mark.parametrize("has_journal", [True, False])
def test_it_ends_as_the_command_does_and_without_a_journal_does_nothing(
    tmp_path: Path, has_journal: bool
) -> None:
    journal = JOURNAL if has_journal else "#!/bin/sh\nexit 1\n"
    for name, text in (("dialtone", COMMAND), ("systemd-cat", journal)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)

    ended = subprocess.run(
        [SAMPLE, "user", "block", "a reason"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    if not has_journal:
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "set ACT_IN" in ended.stderr
        return
    assert (ended.returncode, ended.stdout) == (7, "done: user block a reason\n")
    assert ended.stderr == '{"event":"act_recorded"}\na note\n'
    assert (tmp_path / "journal").read_text() == '{"event":"act_recorded"}\n'

"""What commands print, wherever it goes, and their exit codes."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.operations import logging
from entrypoints.commands.cli import main
from entrypoints.commands.shared.printing import EXIT_INVALID, print_line

DIALTONE = Path(sys.executable).with_name("dialtone")


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ('"$0" --version > /dev/full', 1, "could not be written to stdout: No space left"),
        # It reads no settings, and starts although nobody reads what it prints.
        pytest.param('DIALTONE_WORKERS=x "$0" keys generate - >&-', 0, "", marks=pytest.mark.slow),
    ],
)
def test_exit_codes_and_errors(line: str, code: int, error: str, tmp_path: Path) -> None:
    run = subprocess.run(
        ["/bin/bash", "-c", line, DIALTONE],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == code
    assert error in run.stderr
    assert error or not run.stderr
    assert "Traceback" not in run.stderr


def test_no_error_of_arguments_or_settings_shows_what_is_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIALTONE_WORKERS", "the secret")
    monkeypatch.setattr(gc, "set_threshold", lambda _: None)
    # Both are for the stderr of a process.
    monkeypatch.setattr(logging, "configure_logging", lambda *_: None)
    monkeypatch.setattr(logging, "flush_log", lambda: None)
    postgres = "postgresql://name:the secret@db.test/name"
    for arguments, error in (
        (["copy", "--from", "mongodb://name:the secret@db.test/name"], "'--to'"),
        ([postgres], "No such command"),
        ([f"--limit={postgres}"], "No such option"),
        (["audit", "--limit", postgres], "--limit"),
        (["postgresql:name:the secret@db.test/name"], "No such command"),
        (["audit", "--limit", "mongodb:/name:the secret@db.test/name"], "Invalid value"),
        (["audit", "x", "name:the secret@db.test/name"], "extra argument"),
        (["audit"], "DIALTONE_WORKERS: Must be"),
    ):
        assert main(arguments) == EXIT_INVALID
        shown = capsys.readouterr().err
        assert error in shown
        assert "secret" not in shown


def test_a_line_is_whole_and_acts_on_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("a\x1b[31m [red]b[/red]\x07\x9b\r \t" + 200 * "x")

    assert capsys.readouterr().out == "a?[31m [red]b[/red]??? \t" + 200 * "x" + "\n"

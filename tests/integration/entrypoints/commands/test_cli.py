"""The arguments of `dialtone`, and what each command imports."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from entrypoints.commands.dialtone import make_dialtone

PROJECT: Final = Path(__file__).parents[4]
DIALTONE: Final = make_dialtone()
COMMANDS: Final = [*DIALTONE.commands]
SHOW_IMPORTS: Final = """
import sys
from entrypoints.commands.cli import main
codes = set()
for arguments in " ".join(sys.argv[1:]).split(" / "):
    codes.add(main(arguments.split()))
slow = {"adapters", "application.use_cases", "phonenumbers", "granian", "litestar"}
print(*sorted(codes), sorted(slow & sys.modules.keys()))
"""


def run(folder: Path, *arguments: str) -> list[str]:
    """The lines of stdout; the last one has the exit codes, and what is slow to import.

    Commands are separated by slashes.
    """
    finished = subprocess.run(
        [sys.executable, "-c", SHOW_IMPORTS, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return finished.stdout.splitlines()


def test_help_has_a_line_and_an_example_of_every_command_and_imports_nothing_slow(
    tmp_path: Path,
) -> None:
    helps = (f"/ {command} --help" for command in COMMANDS)
    lines = run(tmp_path, "--help", *helps, "/ --version")
    start = lines.index("Commands:") + 1
    # A longer description goes on below.
    listed = [line for line in lines[start : lines.index("", start)] if line[2] != " "]

    assert [line.split()[0] for line in listed] == COMMANDS
    assert all(len(line.split()) > 1 for line in listed)
    for command in COMMANDS:
        assert any(line.startswith(f"  dialtone {command}") for line in lines), command
    assert "  retry  Let events be sent again, from now on for three days more" in lines
    assert lines[-1] == "0 []"


@pytest.mark.slow
def test_a_command_of_an_operator_does_not_import_the_http_server(tmp_path: Path) -> None:
    # It opens the database: only then it can report that nobody has this phone. What it prints of a
    # user is the response of the API.
    commands = "migrate / user sign-out +14155550123 --reason lost / user show +14155550123"
    assert run(tmp_path, *commands.split())[-1] == (
        "0 1 ['adapters', 'application.use_cases', 'phonenumbers']"
    )

"""The command itself, before it does anything."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
COMMANDS: Final = (
    *("run", "check-settings", "cleanup", "rotate-keys"),
    *("promote", "demote", "block", "unblock", "sign-out"),
)
SHOW_ROOMS: Final = """
import sys
from entrypoints.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
rooms = {name.partition(".")[0] for name in sys.modules}
print(code, sorted(rooms & {"adapters", "application", "domain", "granian", "litestar"}))
"""


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], [], ["sign-out"], ["nonsense"]])
def test_what_needs_no_service_is_answered_without_importing_it(arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SHOW_ROOMS, *arguments],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    is_understood = arguments in (["--version"], ["--help"])
    assert ended.stdout.splitlines()[-1] == f"{0 if is_understood else 2} []"


def test_every_command_is_listed() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SHOW_ROOMS, "--help"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    indented = [line for line in ended.stdout.splitlines() if line.startswith("    ")]
    names = [line.split()[0] for line in indented if line[4] != " "]
    assert sorted(names) == sorted(COMMANDS)


def test_what_operators_do_beside_the_service_takes_no_web_server(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SHOW_ROOMS, "sign-out", "+14155550123"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"]},
    )  # fmt: skip

    # Nobody has this phone; it took the database to say so.
    assert ended.stdout.splitlines()[-1] == "1 ['adapters', 'application', 'domain']"

"""The arguments of `dialtone`, and what each command imports."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
COMMANDS: Final = (
    *("run", "check-settings", "cleanup", "migrate"),
    *("media", "backup", "restore", "copy", "keys"),
    *("rotate-keys", "reencrypt-phones", "rotate-index-key", "import"),
    *("user", "library", "audit", "events", "admin-token", "costs", "prices", "statistics"),
    *("promote", "demote", "block", "unblock", "sign-out", "restore-identity"),
    *("flow", "voice"),
)
SHOW_IMPORTS: Final = """
import sys
from entrypoints.commands.cli import main
for arguments in " ".join(sys.argv[1:]).split(" / "):
    try:
        code = main(arguments.split())
    except SystemExit as error:
        code = error.code
packages = {name.partition(".")[0] for name in sys.modules}
print(code, sorted(packages & {"adapters", "application", "domain", "granian", "litestar"}))
"""


def run(folder: Path, *arguments: str) -> list[str]:
    """The lines of stdout; the last one has the exit code and the imported packages."""
    finished = subprocess.run(
        [sys.executable, "-c", SHOW_IMPORTS, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return finished.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [(["--version"], 0), ([], 2), (["user"], 2), (["user", "block"], 2), (["nonsense"], 2)],
)
def test_wrong_arguments_import_nothing(
    tmp_path: Path, arguments: list[str], exit_code: int
) -> None:
    assert run(tmp_path, *arguments)[-1] == f"{exit_code} []"


def test_help_has_a_line_and_an_example_of_every_command_and_imports_nothing(
    tmp_path: Path,
) -> None:
    lines = run(tmp_path, "--help", *(f"/ {command} --help" for command in COMMANDS))
    start = lines.index("commands:") + 1
    end = lines.index("", start)

    assert [line.split()[0] for line in lines[start:end]] == list(COMMANDS)
    assert all(len(line.split()) > 1 for line in lines[start:end])
    for command in COMMANDS:
        assert any(line.startswith(f"  dialtone {command}") for line in lines), command
    assert lines[-1] == "0 []"


def test_a_command_of_an_operator_does_not_import_the_http_server(tmp_path: Path) -> None:
    # It opens the database: only then it can report that nobody has this phone.
    assert run(tmp_path, "user", "sign-out", "+14155550123")[-1] == (
        "1 ['adapters', 'application', 'domain']"
    )

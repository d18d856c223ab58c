"""What commands share: arguments, output, files that they write, the name of the operator."""

import gc
import os
import pwd
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from adapters.operations import logging
from entrypoints.commands.cli import main
from entrypoints.commands.dialtone import dialtone
from entrypoints.commands.shared.command import Command, CommandGroup, LazyCommand
from entrypoints.commands.shared.new_file import create_file
from entrypoints.commands.shared.operator_name import find_operator
from entrypoints.commands.shared.printing import EXIT_INVALID, print_line
from entrypoints.settings.startup_error import CommandError
from tests.support.commands import CommandLine, all_commands

# The arguments of `dialtone`, and what each command imports

PROJECT: Final = Path(__file__).parents[4]
COMMANDS: Final = [*dialtone.commands]
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


def test_lists_name_commands_as_their_own_help_does() -> None:
    names, lines = [], []
    for context in all_commands():
        group = context.command
        listed = group.commands.values() if isinstance(group, CommandGroup) else ()
        for command in (each for each in listed if isinstance(each, LazyCommand)):
            loaded = command.load()
            names.append(command.name == loaded.name)
            lines.append((command.short_help, loaded.short_help))
    assert all(names)
    assert [listed for listed, _ in lines] == [of_command for _, of_command in lines]
    assert len(lines) > len(COMMANDS)


def test_help_imports_nothing_slow(tmp_path: Path) -> None:
    assert run(tmp_path, "--help / --version")[-1] == "0 []"


def test_help_has_a_line_and_an_example_of_every_command(tmp_path: Path) -> None:
    helps = (f"/ {command} --help" for command in COMMANDS)
    lines = run(tmp_path, "--help", *helps)
    start = lines.index("Commands:") + 1
    # A longer description goes on below.
    listed = [line for line in lines[start : lines.index("", start)] if line[2] != " "]

    assert [line.split()[0] for line in listed] == COMMANDS
    assert all(len(line.split()) > 1 for line in listed)
    for command in COMMANDS:
        assert any(line.startswith(f"  dialtone {command}") for line in lines), command
    assert "  retry  Let events be sent again, from now on for three days more" in lines
    assert lines[-1].startswith("0 ")


# What commands print, wherever it goes, and their exit codes

PROGRAM = Path(sys.executable).with_name("dialtone")


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
        ["/bin/bash", "-c", line, PROGRAM],
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


# The file that a command writes


def test_an_existing_file_is_never_changed_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "nowhere").symlink_to("new")

    for name in ("file", "link", "nowhere"):
        with pytest.raises(CommandError, match="exists"), create_file(tmp_path / name):
            pass

    assert (tmp_path / "file").read_bytes() == b"mine"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_interrupted_command_leaves_no_file_also_on_a_full_disk(
    tmp_path: Path, number: signal.Signals
) -> None:
    path, handler = tmp_path / "export.zip", signal.getsignal(number)

    def write() -> None:
        with Path("/dev/full").open("wb") as full, create_file(path) as file:
            file.write(b"a part")
            os.dup2(full.fileno(), file.fileno())
            signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt):
        write()

    assert not path.exists()
    assert signal.getsignal(number) is handler


# Who the audit names as the operator of a command


def test_the_operator_is_the_real_user_and_not_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("LOGNAME", "USER", "USERNAME"):
        monkeypatch.setenv(variable, "somebody-else")
    monkeypatch.delenv("SUDO_USER", raising=False)

    assert find_operator().actor.id == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(
    ("uid", "sudo_user", "given", "shown"),
    [
        (0, "alice", "", ("root", "by sudo of alice")),
        (0, "a\nb", "", ("root", "")),
        (0, "ops", "jane", ("jane", "root@web-1 by sudo of ops")),
        (4_000_000_001, "", "", ("uid 4000000001", "")),
    ],
)
def test_the_user_of_sudo_and_the_account_are_shown_beside_the_name(
    monkeypatch: pytest.MonkeyPatch, uid: int, sudo_user: str, given: str, shown: tuple[str, str]
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(socket, "gethostname", lambda: "web-1")
    monkeypatch.setenv("SUDO_USER", sudo_user)

    actor = find_operator(given).actor if given else find_operator().actor

    assert (actor.id, actor.name) == shown


# Where there is no database, or no keys: they create none, and say where they looked

NEED_NO_DATA: Final = {
    *("run", "migrate", "restore", "keys generate"),  # they create it
    "check-settings",
}
NEED_NO_DATABASE: Final = ("copy", "keys rotate")  # apart from the one that --from names


def examples() -> Iterator[tuple[str, list[str]]]:
    """Yield each command that works on data with each of its examples."""
    for context in all_commands():
        name = context.command_path.removeprefix("dialtone ")
        if isinstance(context.command, Command) and name not in NEED_NO_DATA:
            for example in context.command.examples:
                yield name, [*name.split(), *shlex.split(example)]
    yield "migrate", ["migrate", "--delete-records", "TABLE", "--yes"]


def test_no_command_works_in_an_empty_folder(tmp_path: Path) -> None:
    unset = {"DIALTONE_DATABASE": "", "DIALTONE_SECRETS_FILE": ""}
    dialtone = CommandLine(tmp_path, {**unset, "NEW_DATABASE": "sqlite:///new.db"})
    for name, line in examples():
        ended = dialtone.run(*line)

        assert (ended.returncode, ended.stdout) == (2, ""), line
        file = "secrets.json" if name in NEED_NO_DATABASE else "dialtone.db"
        assert f" {tmp_path / 'var' / file}; DIALTONE_DATABASE is not set" in ended.stderr, line
        assert "there is no .env in this folder" in ended.stderr
        assert [*tmp_path.iterdir()] == [], line

    (tmp_path / ".env").touch()
    assert f" at {tmp_path}/var/dialtone.db. Run" in dialtone.run("cleanup").stderr

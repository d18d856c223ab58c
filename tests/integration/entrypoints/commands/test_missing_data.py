"""Commands where there is no database, or no keys: they create none, and say where they looked."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from entrypoints.commands.shared.command import Command
from tests.support.commands import CommandLine, all_commands

NEED_NO_DATA: Final = {
    *("run", "migrate", "restore", "keys generate"),  # they create it
    *("check-settings", "flow check"),
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

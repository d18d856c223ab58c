"""The commands of `dialtone`, as tests look at them and call them."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Final, Self
from unittest.mock import patch

import click
from structlog.testing import capture_logs

from application.principal import Principal
from domain.identities.role import Role, Staff
from domain.identities.username import parse_username
from domain.phone import parse_phone
from entrypoints.commands.dialtone import dialtone
from entrypoints.commands.shared.command import Command, CommandGroup, LazyCommand
from entrypoints.commands.shared.printing import EXIT_INVALID, print_result
from entrypoints.composition.limits import LIMITS
from entrypoints.composition.read_settings import read_settings
from entrypoints.composition.use_cases import open_use_cases
from entrypoints.settings.settings import Settings
from tests.support.builders import a_session, an_identity

_ADMINISTRATOR: Final = Principal(
    an_identity(staff=Staff(Role.ADMINISTRATOR)), a_session(), has_recent_login=True
)


def json_lines(output: str) -> list[dict[str, Any]]:
    """Parse the output of a list with `--json`: one object a line."""
    return [json.loads(line) for line in output.splitlines()]


def call(command: click.Command, settings: Settings, *arguments: str) -> Sequence[str]:
    """Return the lines of a command. Its errors are raised."""
    return [*_lines_of(command, settings, arguments)]


def _lines_of(
    command: click.Command, settings: Settings, arguments: Sequence[str]
) -> Iterator[str]:
    with command.make_context(command.name, [*arguments]) as context:
        assert command.callback is not None
        yield from context.invoke(command.callback, settings, **context.params)


Ended = CompletedProcess[str]
"""The exit code of a command, and what it has printed."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs commands in this process, in a folder of its own."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings that most commands read."""
        return self._read_settings(checks_files=False)

    def _read_settings(self, *, checks_files: bool) -> Settings:
        environ = {
            "DIALTONE_DATABASE": f"sqlite:///{self.folder}/dialtone.db",
            "DIALTONE_MEDIA": f"file://{self.folder}/media",
            "DIALTONE_SECRETS_FILE": f"{self.folder}/secrets.json",
            **self.environ,
        }
        return read_settings(environ, None, checks_files=checks_files)

    def run(self, *line: str) -> Ended:
        """Run a command with its arguments, as a process would."""
        with (
            chdir(self.folder),
            capture_logs(),
            patch("adapters.operations.logging.flush_log"),  # it is for the stderr of a process
            redirect_stdout(StringIO()) as stdout,
            redirect_stderr(StringIO()) as stderr,
        ):
            code = self._run(line, stderr)
        return Ended(line, code, stdout.getvalue(), stderr.getvalue())

    def _run(self, line: Sequence[str], stderr: StringIO) -> int:
        command, arguments = load(dialtone), [*line]
        while isinstance(command, CommandGroup):
            command = load(command.commands[arguments.pop(0)])
        assert isinstance(command, Command)
        try:
            with (
                command.make_context(command.name, arguments) as context,
                patch("entrypoints.commands.shared.command._read_settings", self._read_settings),
            ):
                return print_result(lambda: command._call(context))
        except click.exceptions.Exit as ended:
            return ended.exit_code
        except click.UsageError as error:
            stderr.write(f"{error.format_message()}\n")
            return EXIT_INVALID

    def create_database(self) -> Self:
        """Create the database and the keys."""
        migrated = self.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        return self

    def add_user(self, phone: str, username: str) -> str:
        """Create an account, and return its id."""

        async def create() -> str:
            async with open_use_cases(self.settings, [LIMITS]) as use_cases:
                created = await use_cases.identities.create_user(
                    _ADMINISTRATOR, parse_username(username), parse_phone(phone)
                )
                return created.id

        return asyncio.run(create())


def load(command: click.Command) -> click.Command:
    """Return a command that a list has, as a call of it does."""
    return command.load() if isinstance(command, LazyCommand) else command


def all_commands(parent: click.Context | None = None) -> Iterator[click.Context]:
    """Yield the context of `dialtone` and of each command below it."""
    context = parent or click.Context(dialtone, info_name="dialtone")
    yield context
    if isinstance(context.command, CommandGroup):
        for name, command in context.command.commands.items():
            yield from all_commands(click.Context(load(command), context, name))

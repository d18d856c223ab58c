"""The commands of extensions: `dialtone x EXTENSION COMMAND`."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from entrypoints.commands.command import Command
from entrypoints.commands.options import PHONE, USER
from entrypoints.opening.extensions import EXTENSIONS, VARIABLE
from entrypoints.opening.startup_error import CommandError, StartupError

if TYPE_CHECKING:
    from entrypoints.extensions.extension import Extension, ExtensionCommand
    from entrypoints.settings.settings import Settings

NAME: Final = "x"
"""No command of ours and of later versions can have the name of one of these."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")


def extension_commands() -> Sequence[Command]:
    """Return the command `x`, if an extension of this process has commands.

    Raises:
        StartupError: An extension declares them wrongly.
    """
    found = [(extension, _commands_of(extension)) for extension in EXTENSIONS]
    groups = [_group(extension.name, commands) for extension, commands in found if commands]
    if not groups:
        return ()
    return (
        Command(
            name=NAME,
            help="Run a command of an extension.",
            examples=[f"{NAME} {line}" for group in groups for line in group.examples],
            actions=groups,
            kind_of_actions="extension",
        ),
    )


def _commands_of(extension: "Extension") -> Sequence[Command]:
    place = f"{VARIABLE}: the extension {extension.name}"
    try:
        commands = [_command(extension, command) for command in extension.commands()]
    except Exception as error:
        raise StartupError(f"{place} failed in commands() ({type(error).__name__}).") from error
    names = [command.name for command in commands]
    if len({*names}) < len(names) or not all(map(_NAME.fullmatch, names)):
        raise StartupError(
            f"{place}: commands must have different names of lower-case letters, digits and '-'."
        )
    return commands


def _group(name: str, commands: Sequence[Command]) -> Command:
    return Command(
        name=name,
        help=f"The commands of the extension {name}.",
        examples=[f"{name} {line}" for command in commands for line in command.examples],
        actions=commands,
    )


def _command(extension: "Extension", command: "ExtensionCommand") -> Command:
    example = f"{command.name} {PHONE}" if command.takes_user else command.name
    return Command(
        name=command.name,
        help=command.help.replace("%", "%%"),  # argparse would take it for a format
        examples=(example,),
        add_arguments=partial(_add_arguments, extension.name, command),
        run=partial(_run, extension, command),
    )


def _add_arguments(name: str, command: "ExtensionCommand", parser: ArgumentParser) -> None:
    if command.takes_user:
        parser.add_argument("user", metavar="USER", help=USER)
    try:
        command.add_arguments(parser)
    except Exception as error:
        raise StartupError(
            f"{VARIABLE}: the extension {name} failed in the arguments of {command.name} "
            f"({type(error).__name__})."
        ) from error


def _run(
    extension: "Extension", command: "ExtensionCommand", settings: "Settings", arguments: Namespace
) -> Iterable[str]:
    from application.identities.extension_calls import call_extension
    from application.ports.errors import ExtensionFailed, StorageError
    from application.use_cases import UseCases
    from domain.errors import DomainError
    from entrypoints.commands.domain_errors import explain_errors
    from entrypoints.commands.parsing import parse_readings
    from entrypoints.commands.use_case_calls import call_with_use_cases
    from entrypoints.commands.user_calls import find_one
    from entrypoints.features import FEATURES

    readings = parse_readings(settings, arguments.user) if command.takes_user else ()

    async def call(use_cases: UseCases) -> Sequence[str]:
        if command.takes_user:
            user = await find_one(use_cases.administration.find_user, readings)
            # Only the operator sees the phone.
            arguments.user = user.require_identity().id
        own: Any = use_cases.find(command.use_cases)
        if own is None:
            name = command.use_cases.__name__
            raise CommandError(f"The extension {extension.name} has not added its {name}.")

        async def run() -> Sequence[str]:
            return [str(line) for line in await command.run(own, arguments)]

        expected = (StorageError, DomainError, CommandError)
        return await call_extension(
            extension.name,
            run,
            None,
            part=f"the command {command.name}",
            expected=expected,
        )

    opened = [each for each in FEATURES if each.name == f"x_{extension.name}"]
    try:
        with explain_errors():
            return call_with_use_cases(settings, call, opened)
    except ExtensionFailed:
        raise CommandError(
            f"The extension {extension.name} failed in the command {command.name}: see the log."
        ) from None

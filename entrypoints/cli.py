"""The `dialtone` command."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Final

from application.ports.errors import PortError
from domain.errors import UserNotFound, ValueRefused
from domain.identifier import parse_identifier
from domain.phone import PhoneNumber, parse_phone
from entrypoints.asgi import ENV_FILE
from entrypoints.banner import banner
from entrypoints.bootstrap import StartRefused, open_use_cases
from entrypoints.logs import configure_logs
from entrypoints.server import check_address_is_free, serve
from entrypoints.settings import Settings, SettingsInvalid, describe, read_settings

FAILED: Final = 1
NOT_USABLE: Final = 2

Command = Callable[[Settings, argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command; gives 0, 1 when it failed, 2 when it was not understood."""
    given = _parser().parse_args(arguments)
    command: Command = given.command
    try:
        settings = read_settings(os.environ, ENV_FILE)
        configure_logs(settings.log_level, settings.log_format)
        return command(settings, given)
    except SettingsInvalid as error:
        _complain(*error.problems)
        return NOT_USABLE
    except (StartRefused, PortError) as error:
        _complain(str(error))
        return FAILED


def _run(settings: Settings, _: argparse.Namespace) -> int:
    check_address_is_free(settings.bind)
    # Opened once before any worker is: keys and database are there then, and what cannot be
    # used is told in one line instead of by each worker.
    asyncio.run(_open_and_close(settings))
    for unknown in settings.unknown:
        meant = f"; did you mean {unknown.closest}?" if unknown.closest else "."
        _complain(f"Warning: {unknown.name} is no setting of Dialtone{meant}")
    serve(settings, lambda: print(banner(settings), flush=True))
    return 0


def _check_settings(settings: Settings, _: argparse.Namespace) -> int:
    described = describe(settings)
    name_width = max(len(row.name) for row in described)
    shown_width = max(len(row.shown) for row in described)
    for row in described:
        print(f"{row.name:<{name_width}}  {row.shown:<{shown_width}}  {row.origin}")
    return 0


def _promote(settings: Settings, given: argparse.Namespace) -> int:
    try:
        user = _user(given.user, settings.default_region)
        identity = asyncio.run(_promoted(settings, user))
    except (ValueRefused, UserNotFound):
        _complain(f"Nobody is known as {given.user}: give a user id, or a phone that signed in.")
        return FAILED
    print(f"{identity} is an administrator from now on.")
    return 0


def _sweep(settings: Settings, _: argparse.Namespace) -> int:
    for name, count in asyncio.run(_swept(settings)).items():
        print(f"{name.replace('_', ' ')}: {count}")
    return 0


async def _open_and_close(settings: Settings) -> None:
    async with open_use_cases(settings):
        pass


async def _promoted(settings: Settings, user: str | PhoneNumber) -> str:
    async with open_use_cases(settings) as use_cases:
        return (await use_cases.promote_user(user)).id


async def _swept(settings: Settings) -> dict[str, int]:
    async with open_use_cases(settings) as use_cases:
        return asdict(await use_cases.sweep())


def _user(text: str, default_region: str | None) -> str | PhoneNumber:
    return parse_identifier(text) or parse_phone(text, default_region)


def _complain(*lines: str) -> None:
    print(*lines, sep="\n", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dialtone", description="Sign-in by phone number, users and a picture library."
    )
    parser.add_argument("--version", action="version", version=f"dialtone {version('dialtone')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "run", _run, "start the service")
    _add(commands, "check-settings", _check_settings, "show what would be used, secrets hidden")
    _add(commands, "sweep", _sweep, "clear away what is shown no more")
    promote = _add(commands, "promote", _promote, "make somebody an administrator")
    promote.add_argument("user", metavar="USER", help="a user id, or a phone number")
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    command: Command,
    about: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about.capitalize() + ".")
    parser.set_defaults(command=command)
    return parser

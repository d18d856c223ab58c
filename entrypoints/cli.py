"""The `dialtone` command."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from domain.phone import PhoneNumber
    from entrypoints.settings import Settings

FAILED: Final = 1
NOT_USABLE: Final = 2
INTERRUPTED: Final = 130
"""What a shell gives for what SIGINT ended."""

Command = Callable[["Settings", argparse.Namespace], int]
PhoneChange = Callable[["Settings", "PhoneNumber"], Coroutine[None, None, None]]


class _NotPrinted(Exception):
    """Stdout does not take what a command has to say; the text is why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command; gives 0, 1 when it failed, 2 when it was not understood."""
    try:
        _keep_standard_descriptors()
        given = _parser().parse_args(arguments)
        return _carried_out(given.command, given)
    except _NotPrinted as error:
        _complain(f"What there was to say could not be written to stdout: {error}.")
        return FAILED
    except KeyboardInterrupt:
        _complain("Interrupted.")
        return INTERRUPTED


def _carried_out(command: Command, given: argparse.Namespace) -> int:
    # Imported here, where an interrupt is answered: it takes a while.
    from application.ports.errors import PortError
    from entrypoints.asgi import ENV_FILE
    from entrypoints.logs import configure_logs
    from entrypoints.own_adapters import StartRefused
    from entrypoints.settings import SettingsInvalid, read_settings

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


def _run(settings: "Settings", _: argparse.Namespace) -> int:
    from entrypoints.banner import banner, check_can_show_messages, show
    from entrypoints.listening import listening_at
    from entrypoints.server import serve

    check_can_show_messages(settings, sys.stdout)
    with listening_at(settings.bind) as address:
        # Opened once before any worker is: keys and database are there then, and what cannot
        # be used is told in one line instead of by each worker.
        asyncio.run(_open_and_close(settings))
        for unknown in settings.unknown:
            meant = f"; did you mean {unknown.closest}?" if unknown.closest else "."
            _complain(f"Warning: {unknown.name} is no setting of Dialtone{meant}")
        has_served = serve(settings, address, lambda: show(banner(settings), sys.stdout))
    return 0 if has_served else FAILED


def _check_settings(settings: "Settings", given: argparse.Namespace) -> int:
    from entrypoints.bootstrap import message_texts
    from entrypoints.settings import describe
    from entrypoints.shown_texts import shown_texts

    texts = message_texts(settings)
    if given.texts:
        for line in shown_texts(texts.judged()):
            _say(line)
        return 0
    described = describe(settings)
    name_width = max(len(row.name) for row in described)
    shown_width = max(len(row.shown) for row in described)
    for row in described:
        _say(f"{row.name:<{name_width}}  {row.shown:<{shown_width}}  {row.origin}")
    return 0


def _promote(settings: "Settings", given: argparse.Namespace) -> int:
    from domain.errors import UserNotFound, ValueRefused

    try:
        user = _user(given.user, settings.default_region)
        identity = asyncio.run(_promoted(settings, user))
    except (ValueRefused, UserNotFound):
        shown = given.user.encode("unicode_escape").decode()
        _complain(f"Nobody is known as {shown}: give a user id, or a phone that signed in.")
        return FAILED
    _say(f"{identity} is an administrator from now on.")
    return 0


def _block(settings: "Settings", given: argparse.Namespace) -> int:
    return _changed(settings, given, _blocked, "is blocked from now on")


def _unblock(settings: "Settings", given: argparse.Namespace) -> int:
    return _changed(settings, given, _unblocked, "is not blocked from now on")


def _changed(
    settings: "Settings", given: argparse.Namespace, change: PhoneChange, outcome: str
) -> int:
    from domain.errors import ValueRefused
    from domain.phone import parse_phone

    try:
        phone = parse_phone(given.phone, settings.default_region)
    except ValueRefused as error:
        _complain(error.sentence)
        return FAILED
    asyncio.run(change(settings, phone))
    _say(f"{phone.masked} {outcome}.")
    return 0


def _sweep(settings: "Settings", _: argparse.Namespace) -> int:
    for name, count in asyncio.run(_swept(settings)).items():
        _say(f"{name.replace('_', ' ')}: {count}")
    return 0


def _rotate_keys(settings: "Settings", given: argparse.Namespace) -> int:
    from domain.errors import ValueRefused
    from entrypoints.bootstrap import rotate_keys
    from entrypoints.settings.amounts import duration_between

    try:
        delay = duration_between("1m", "30d")(given.after)
    except ValueRefused as refusal:
        _complain(f"--after: {refusal.sentence}")
        return NOT_USABLE
    for one in rotate_keys(settings, delay):
        _say(
            f"{one.name}: {one.key_id} is accepted now and used from "
            f"{one.signs_from:%Y-%m-%dT%H:%M:%SZ} on; older ones: {one.kept} kept, "
            f"{one.dropped} dropped"
        )
    return 0


async def _open_and_close(settings: "Settings") -> None:
    from entrypoints.bootstrap import open_use_cases

    async with open_use_cases(settings):
        pass


async def _promoted(settings: "Settings", user: "str | PhoneNumber") -> str:
    from entrypoints.bootstrap import open_use_cases

    async with open_use_cases(settings) as use_cases:
        return (await use_cases.promote_user(user)).id


async def _blocked(settings: "Settings", phone: "PhoneNumber") -> None:
    from entrypoints.bootstrap import open_use_cases

    async with open_use_cases(settings) as use_cases:
        await use_cases.block_phone(phone)


async def _unblocked(settings: "Settings", phone: "PhoneNumber") -> None:
    from entrypoints.bootstrap import open_use_cases

    async with open_use_cases(settings) as use_cases:
        await use_cases.unblock_phone(phone)


async def _swept(settings: "Settings") -> dict[str, int]:
    from entrypoints.bootstrap import open_use_cases

    async with open_use_cases(settings) as use_cases:
        return asdict(await use_cases.sweep())


def _user(text: str, default_region: str | None) -> "str | PhoneNumber":
    from domain.identifier import parse_identifier
    from domain.phone import parse_phone

    return parse_identifier(text) or parse_phone(text, default_region)


def _complain(*lines: str) -> None:
    if sys.stderr is None:
        return  # print would take stdout then
    with suppress(OSError):  # nobody is left to be told
        print(*lines, sep="\n", file=sys.stderr)


def _keep_standard_descriptors() -> None:
    # Where one of them is closed, the next file or socket would take its place, and get what
    # is meant for it.
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)


def _say(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError as error:
        # The interpreter tries once more at its end, and must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise _NotPrinted(error.strerror) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dialtone", description="Sign-in by phone number, users and a picture library."
    )
    parser.add_argument("--version", action="version", version=f"dialtone {version('dialtone')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "run", _run, "start the service")
    about = "show what would be used, secrets hidden"
    check = _add(commands, "check-settings", _check_settings, about)
    check.add_argument("--texts", action="store_true", help="show the messages instead")
    _add(commands, "sweep", _sweep, "clear away what is shown no more")
    rotate = _add(commands, "rotate-keys", _rotate_keys, "put new keys in front of those in use")
    rotate.add_argument(
        "--after",
        metavar="DURATION",
        default="1m",
        help="let them be used after so long, like 1h, where the file is copied to other machines",
    )
    promote = _add(commands, "promote", _promote, "make somebody an administrator")
    promote.add_argument("user", metavar="USER", help="a user id, or a phone number")
    block = _add(commands, "block", _block, "sign a phone out and let it in no more")
    unblock = _add(commands, "unblock", _unblock, "let a phone that was blocked sign in again")
    for command in (block, unblock):
        command.add_argument("phone", metavar="PHONE", help="a phone number")
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

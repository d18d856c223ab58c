"""The `dialtone` command: what may be given to it. What is done then is in `commands/`.

Each command, and whatever takes a while to import, is imported when it is called for: so that
`--help` and `--version` answer at once, and an interrupt is answered at any time.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from entrypoints.commands.exit_codes import FAILED, INTERRUPTED, NOT_USABLE
from entrypoints.commands.streams import NotPrinted, complain, keep_standard_descriptors

if TYPE_CHECKING:
    from entrypoints.settings import Settings

Command = Callable[["Settings", argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command; gives 0, 1 when it failed, 2 when it was not understood."""
    try:
        keep_standard_descriptors()
        given = _parser().parse_args(arguments)
        return _carried_out(given.command, given)
    except NotPrinted as error:
        complain(f"What there was to say could not be written to stdout: {error}.")
        return FAILED
    except KeyboardInterrupt:
        complain("Interrupted.")
        return INTERRUPTED


def _carried_out(command: Command, given: argparse.Namespace) -> int:
    try:
        Path.cwd()
    except OSError as error:
        complain(f"The current folder cannot be used ({error.strerror}): start in another one.")
        return NOT_USABLE

    from application.ports.errors import PortError
    from entrypoints.logs import configure_logs
    from entrypoints.settings import ENV_FILE, SettingsError, read_settings
    from entrypoints.startup_error import StartupError

    try:
        settings = read_settings(os.environ, ENV_FILE)
        configure_logs(settings.log_level, settings.log_format)
        return command(settings, given)
    except SettingsError as error:
        complain(*error.problems)
        return NOT_USABLE
    except (StartupError, PortError) as error:
        complain(str(error))
        return FAILED


def _run(settings: "Settings", _: argparse.Namespace) -> int:
    from entrypoints.commands.run import run

    return run(settings)


def _check_settings(settings: "Settings", given: argparse.Namespace) -> int:
    from entrypoints.commands.check_settings import check_settings

    return check_settings(settings, shows_texts=given.texts)


def _sweep(settings: "Settings", _: argparse.Namespace) -> int:
    from entrypoints.commands.sweep import cleanup

    return cleanup(settings)


def _rotate_keys(settings: "Settings", given: argparse.Namespace) -> int:
    from entrypoints.commands.rotate_keys import rotate_keys

    return rotate_keys(settings, given.after)


def _promote(settings: "Settings", given: argparse.Namespace) -> int:
    from entrypoints.commands.roles import promote

    return promote(settings, given.user)


def _demote(settings: "Settings", given: argparse.Namespace) -> int:
    from entrypoints.commands.roles import demote

    return demote(settings, given.user)


def _block(settings: "Settings", given: argparse.Namespace) -> int:
    from entrypoints.commands.phones import block

    return block(settings, given.phone)


def _unblock(settings: "Settings", given: argparse.Namespace) -> int:
    from entrypoints.commands.phones import unblock

    return unblock(settings, given.phone)


def _sign_out(settings: "Settings", given: argparse.Namespace) -> int:
    from entrypoints.commands.phones import logout

    return logout(settings, given.phone)


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
    _add(commands, "cleanup", _sweep, "clear away what is shown no more")
    rotate = _add(commands, "rotate-keys", _rotate_keys, "put new keys in front of those in use")
    rotate.add_argument(
        "--after",
        metavar="DURATION",
        default="1m",
        help="let them be used after so long, like 1h, where the file is copied to other machines",
    )
    for on_user in (
        _add(commands, "promote", _promote, "make somebody an administrator"),
        _add(commands, "demote", _demote, "make an administrator a member again"),
    ):
        on_user.add_argument("user", metavar="USER", help="a user id, or a phone number")
    for on_phone in (
        _add(commands, "block", _block, "sign a phone out and let it in no more"),
        _add(commands, "unblock", _unblock, "let a phone that was blocked sign in again"),
        _add(commands, "sign-out", _sign_out, "end every session of a phone"),
    ):
        on_phone.add_argument("phone", metavar="PHONE", help="a phone number")
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

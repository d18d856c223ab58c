"""The `dialtone` command.

Commands and everything else that is slow to import are imported when a command runs. So `--help`
and `--version` are fast, and Ctrl-C works at any time.
"""

import os
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from entrypoints.commands.printing import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_INVALID,
    OutputFailed,
    print_result,
)
from entrypoints.opening.extensions import name_extensions
from entrypoints.opening.startup_error import SettingsError, StartupError, print_errors

if TYPE_CHECKING:
    from entrypoints.commands.command import Command
    from entrypoints.settings.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, 1 if it failed, 2 if its input was invalid."""
    try:
        _open_standard_streams()
        # First of all: the list of features has them.
        name_extensions(os.environ)
        from entrypoints.commands.arguments import make_parser

        return _run_command(make_parser().parse_args(arguments))
    except SettingsError as error:
        print_errors(str(error))
        return EXIT_INVALID
    except StartupError as error:
        print_errors(str(error))
        return EXIT_FAILED
    except OutputFailed as error:
        if not isinstance(error.__cause__, BrokenPipeError):  # `head` has read enough
            print_errors(f"The output could not be written to stdout: {error}.")
        return EXIT_FAILED
    except KeyboardInterrupt:
        print_errors("Interrupted.")
        return EXIT_INTERRUPTED


def _run_command(arguments: Namespace) -> int:
    try:
        Path.cwd()
    except OSError as error:
        print_errors(
            f"The current folder is not usable ({error.strerror}). Start in another folder."
        )
        return EXIT_INVALID
    return print_result(lambda: _call(arguments.selected_command, arguments))


def _call(command: "Command", arguments: Namespace) -> Iterable[str]:
    assert command.run is not None  # noqa: S101 -- an action was selected, not a group of them
    settings = (
        _read_settings(has_file_checks=command.checks_files) if command.reads_settings else None
    )
    return command.run(settings, arguments)


def _read_settings(*, has_file_checks: bool) -> "Settings":
    from adapters.logging import configure_logging
    from entrypoints.opening.file_checks import FILE_CHECKS
    from entrypoints.settings.env_file import ENV_FILE
    from entrypoints.settings.read import read_settings

    # An unexpected error in between must not print a traceback with the value of a secret.
    configure_logging("info", "auto")
    file_checks = FILE_CHECKS if has_file_checks else ()
    settings = read_settings(os.environ, ENV_FILE, file_checks)
    configure_logging(settings.log_level, settings.log_format)
    return settings


def _open_standard_streams() -> None:
    """Open closed standard streams on /dev/null.

    Otherwise the next file or socket would get the descriptor of a standard stream and its output.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)

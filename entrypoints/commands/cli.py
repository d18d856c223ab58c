"""The `dialtone` command: output, error messages and exit codes.

Commands and everything else that is slow to import are imported when a command runs. So `--help`
and `--version` are fast, and Ctrl-C works at any time.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from entrypoints.commands.arguments import make_parser
from entrypoints.opening.startup_error import (
    CommandError,
    InvalidArgument,
    StartupError,
    print_errors,
)
from entrypoints.version.distribution import check_import_names

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_INVALID: Final = 2
"""Invalid arguments, settings or current folder: the command has not started."""
EXIT_INTERRUPTED: Final = 130
"""The exit code that shells use for SIGINT."""


class OutputFailed(Exception):
    """Stdout is closed or full; the text is the reason."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, 1 if it failed, 2 if its input was invalid."""
    try:
        _open_standard_streams()
        check_import_names()
        return _run_command(make_parser().parse_args(arguments))
    except StartupError as error:
        print_errors(str(error))
        return EXIT_FAILED
    except OutputFailed as error:
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

    if arguments.command == "run":
        return _print_result(lambda: _run_service(force=arguments.force))
    if arguments.command == "keys":
        # It helps where the settings are not valid yet.
        from entrypoints.commands.keys import generate_keys

        return _print_result(lambda: generate_keys(arguments))
    from entrypoints.commands.table import COMMANDS

    run = COMMANDS[arguments.command]
    has_file_checks = arguments.command == "check-settings"
    return _print_result(lambda: run(_read_settings(has_file_checks=has_file_checks), arguments))


def _run_service(*, force: bool) -> Iterable[str]:
    settings = _read_settings(has_file_checks=True)
    if force and not _forget_copy(settings):
        sys.exit(EXIT_FAILED)
    from entrypoints.server.run import run

    if not run(settings):
        sys.exit(EXIT_FAILED)
    return ()


def _forget_copy(settings: "Settings") -> bool:
    """Let the service start with a database that was copied, and return whether that succeeded.

    It runs in a process of its own: the parent of the workers imports no adapter of a database.
    """
    from multiprocessing import get_context

    def forget() -> None:
        from adapters.logging import flush_log
        from entrypoints.commands.copy import forget_copy

        code = _print_result(lambda: forget_copy(settings))
        flush_log()
        sys.exit(code)

    process = get_context("fork").Process(target=forget)
    process.start()
    process.join()
    return process.exitcode == EXIT_OK


def _read_settings(*, has_file_checks: bool) -> "Settings":
    from adapters.logging import configure_logging
    from entrypoints.opening.operator_files import FILE_CHECKS
    from entrypoints.settings.env_file import ENV_FILE
    from entrypoints.settings.read import read_settings

    # Other commands can help while the files are not valid.
    file_checks = FILE_CHECKS if has_file_checks else ()
    settings = read_settings(os.environ, ENV_FILE, file_checks)
    configure_logging(settings.log_level, settings.log_format)
    return settings


def _print_result(call: Callable[[], Iterable[str]]) -> int:
    from application.ports.errors import ConfigurationError, PortError
    from entrypoints.settings.read import SettingsError

    try:
        for line in call():
            _print_line(line)
    except (InvalidArgument, SettingsError) as error:
        print_errors(str(error))
        return EXIT_INVALID
    except (CommandError, ConfigurationError, StartupError, PortError) as error:
        print_errors(str(error))
        return EXIT_FAILED
    return EXIT_OK


def _print_line(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError as error:
        # The interpreter flushes stdout again when it exits, and must not fail then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputFailed(error.strerror) from error


def _open_standard_streams() -> None:
    """Open closed standard streams on /dev/null.

    Otherwise the next file or socket would get the descriptor of a standard stream and its output.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)

"""The output of a command, its error messages and its exit code."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Final

from application.ports.errors import ConfigurationError, PortError
from entrypoints.settings.startup_error import (
    CommandError,
    InvalidArgument,
    SettingsError,
    StartupError,
    print_errors,
    remove_controls,
)

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_INVALID: Final = 2
"""Invalid arguments, settings or current folder: the command has not started."""
EXIT_INTERRUPTED: Final = 130
"""The exit code that shells use for SIGINT."""


class OutputFailed(Exception):
    """Stdout is closed or full; the text is the reason."""


def print_result(call: Callable[[], Iterable[str]]) -> int:
    """Print the lines that a call returns, or its error; return the exit code."""
    try:
        for line in call():
            print_line(line)
    except (InvalidArgument, SettingsError) as error:
        print_errors(str(error))
        return EXIT_INVALID
    except (CommandError, ConfigurationError, StartupError, PortError) as error:
        print_errors(str(error))
        return EXIT_FAILED
    except KeyboardInterrupt:  # click would print an empty line
        print_errors("Interrupted.")
        return EXIT_INTERRUPTED
    return EXIT_OK


def print_line(line: str) -> None:
    """Print a line of a result at once. A command that prints many calls this for each part.

    Raises:
        OutputFailed
    """
    try:
        print(remove_controls(line), flush=True)
    except OSError as error:
        # The interpreter flushes stdout again when it exits, and must not fail then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputFailed(error.strerror) from error

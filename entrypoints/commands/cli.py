"""The `dialtone` command. Slow imports wait until a command runs, so that `--help` is fast."""

import gc
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.commands.shared.printing import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_INVALID,
    OutputFailed,
)
from entrypoints.composition.extensions import name_extensions
from entrypoints.settings.startup_error import SettingsError, StartupError, print_errors

if TYPE_CHECKING:
    import click

# Also a URL whose scheme is misspelt: it has an @ after its password.
_URL: Final = re.compile(r"(?<=://).*|(?<=['\"(])(?!--[a-z-]+': |: ).*@.*", re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, 1 if it failed, 2 if its input was invalid."""
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        print_errors("Interrupted.")
        return EXIT_INTERRUPTED


def _run(arguments: Sequence[str] | None) -> int:
    import click

    try:
        # Most objects of a command are its modules, which stay. A worker has thresholds of its own.
        gc.set_threshold(50_000)
        _open_standard_streams()
        # First of all: the list of features has them.
        name_extensions(os.environ)
        from entrypoints.commands.dialtone import dialtone

        return int(dialtone.main(arguments, "dialtone", standalone_mode=False))
    except click.UsageError as error:
        _print_usage_error(error)
        return EXIT_INVALID
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
    except click.Abort as error:
        raise KeyboardInterrupt from error


def _print_usage_error(error: "click.UsageError") -> None:
    """Print what is wrong. It may quote an argument, and a URL may have a password."""
    message = _URL.sub("(hidden)", error.format_message())
    if error.ctx is None:
        print_errors(message)
        return
    print_errors(
        error.ctx.get_usage(),
        f"Try '{error.ctx.command_path} --help' for help.",
        "",
        f"Error: {message}",
    )


def _open_standard_streams() -> None:
    """Open closed standard streams on /dev/null, or the next file would get their output."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)

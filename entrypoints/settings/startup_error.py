"""Errors for the operator, and how they are shown."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from application.ports.errors import ConfigurationError

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class StartupError(Exception):
    """The service cannot start; the text is for the operator and names the fix."""


class SettingsError(StartupError):
    """Invalid settings: one line for each problem, none of which contains a value."""


class DataMissing(SettingsError):
    """The data of a command does not exist: the folder or the settings are not the service's."""


class CommandError(Exception):
    """A command has failed; the text is one line for the operator."""


class InvalidArgument(CommandError):
    """An argument is invalid; nothing was changed."""


def print_errors(*lines: str) -> None:
    """Print lines for the operator to stderr, after the log."""
    if sys.stderr is None:
        return  # print would use stdout
    # Nothing was logged before its import, which fails if another package has that name.
    if log := sys.modules.get("adapters.operations.logging"):
        log.flush_log()
    with suppress(OSError):
        print(*map(remove_controls, lines), sep="\n", file=sys.stderr)


def remove_controls(text: str) -> str:
    """Replace what a terminal would act on, but line breaks and tabs."""
    return _CONTROLS.sub("?", text)


@contextmanager
def name_variable(variable: str) -> Iterator[None]:
    """Add the variable that names an adapter to the adapter's error."""
    try:
        yield
    except ConfigurationError as error:
        raise StartupError(f"{variable}: {error}") from error

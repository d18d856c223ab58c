"""What commands say, and to whom."""

import os
import sys
from contextlib import suppress


class NotPrinted(Exception):
    """Stdout does not take what a command has to say; the text is why."""


def say(line: str) -> None:
    """Print a line to stdout.

    Raises:
        NotPrinted
    """
    try:
        print(line, flush=True)
    except OSError as error:
        # The interpreter tries once more at its end, and must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise NotPrinted(error.strerror) from error


def complain(*lines: str) -> None:
    """Print lines to stderr, if anybody is left to be told."""
    if sys.stderr is None:
        return  # print would take stdout then
    with suppress(OSError):
        print(*lines, sep="\n", file=sys.stderr)


def keep_standard_descriptors() -> None:
    """Open those of the standard descriptors that are closed.

    Else the next file or socket would take the place of one, and get what is meant for it.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)

"""A file that a command writes: whole, or not at all."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from entrypoints.settings.startup_error import CommandError


@contextmanager
def create_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that only its owner can read, and remove it if the block does not complete.

    Raises:
        CommandError: it exists, or cannot be created.
    """
    with interrupt_on_signals():
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise CommandError(f"{path} exists: name another file.") from None
        except OSError as error:
            raise CommandError(f"{path} cannot be created: {error.strerror}.") from None
        file = os.fdopen(descriptor, "wb")
        try:
            yield file
        except BaseException:
            with suppress(OSError):
                path.unlink()
            with suppress(OSError):  # what it has not written yet, to a full disk
                file.close()
            raise
        file.close()


@contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """Let an error of writing to a file name it; raises CommandError."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does."""
    signals = [number for number in (signal.SIGTERM, signal.SIGHUP) if not _is_ignored(number)]
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in signals}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _is_ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN  # SIGHUP after nohup

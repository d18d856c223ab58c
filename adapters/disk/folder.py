"""The folder itself: made at open, and proved now and then."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from adapters.disk.errors import at_open

UNFINISHED: Final = ".unfinished"
"""Where files are written before they are moved into place, on the same file system.

It is made at open only. A disk that is no longer mounted lacks it: nothing is written into
the empty folder that it leaves behind, and no file is taken for removed.
"""
_BLOCK: Final = bytes(4096)


def prepare(folder: Path) -> None:
    """Make the folder and prove that it can be written.

    Raises:
        MediaFolderNotUsable
    """
    unfinished = folder / UNFINISHED
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir(mode=0o700, exist_ok=True)
        if unfinished.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, "a link")
        prove(folder)
        sync(folder)
    except OSError as error:
        raise at_open(folder, error) from None


def prove(folder: Path) -> None:
    """Write a small file where all are written, and remove it."""
    descriptor, name = tempfile.mkstemp(prefix="probe.", dir=folder / UNFINISHED)
    try:
        os.write(descriptor, _BLOCK)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        Path(name).unlink()


def must_be_there(folder: Path) -> None:
    """Raise an OSError when this is not the folder that was prepared."""
    (folder / UNFINISHED).lstat()


def sync(folder: Path) -> None:
    """Make durable which files the folder holds."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

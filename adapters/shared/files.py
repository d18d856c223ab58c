"""Files of operators, for all adapters."""

import errno
import os
import stat
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import BinaryIO


def open_regular_file(path: Path) -> BinaryIO:
    """Open a file for reading, or the file that a link leads to.

    Opening a named pipe would wait for a writer, and a device may have no end.

    Raises:
        OSError: It is no regular file, or cannot be read. `strerror` says why.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    # It may be replaced in between.
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def read_text_file(file: Traversable) -> str:
    """Return the text of an operator's regular file, or of a built-in one.

    Raises:
        OSError: It is no regular file, or cannot be read. `strerror` says why.
        UnicodeDecodeError: It is not UTF-8.
    """
    # Editors on Windows write a byte order mark.
    if not isinstance(file, Path):
        return file.read_bytes().decode("utf-8-sig")
    with open_regular_file(file) as opened:
        return opened.read().decode("utf-8-sig")

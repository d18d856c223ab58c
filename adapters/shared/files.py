"""Files of operators, for all adapters."""

import errno
import os
import stat
import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, BinaryIO


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


def read_toml_file(file: Traversable) -> dict[str, Any]:
    """Return the document of an operator's regular file, or of a built-in one.

    Raises:
        ValueError: It is no regular file, or cannot be read; says why.
    """
    try:
        return tomllib.loads(_read_text(file))
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is not TOML: {error}") from error
    except RecursionError as error:
        raise ValueError("it has too many nested brackets") from error
    except ValueError as error:
        raise ValueError("it has a number with too many digits") from error


def _read_text(file: Traversable) -> str:
    # Editors on Windows write a byte order mark.
    if not isinstance(file, Path):
        return file.read_bytes().decode("utf-8-sig")
    with open_regular_file(file) as opened:
        return opened.read().decode("utf-8-sig")

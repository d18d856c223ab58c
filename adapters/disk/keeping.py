"""How a file gets into the folder, and out of it: in one step that is either done or not."""

import os
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from adapters.disk.folder import UNFINISHED, must_be_there, sync

_READABLE: Final = 0o644
"""A web server in front of the folder may be another user."""


def keep(folder: Path, key: str, content: bytes, begun: datetime) -> None:
    """Write the file, durably; until it is whole nothing of it is in the folder."""
    descriptor, name = tempfile.mkstemp(prefix=f"{key}.", dir=folder / UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.utime(descriptor, (begun.timestamp(), begun.timestamp()))
            os.fchmod(descriptor, _READABLE)
            os.fsync(descriptor)
        Path(name).replace(folder / key)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    sync(folder)


def forget(file: Path) -> None:
    """Remove the file, durably; one that is not there is no error."""
    file.unlink(missing_ok=True)
    must_be_there(file.parent)
    sync(file.parent)


def cleanup(folder: Path, before: datetime) -> int:
    """Remove what was last written before then and never moved into place."""
    removed = 0
    with os.scandir(folder / UNFINISHED) as entries:
        for entry in entries:
            # Another process may move or sweep it at this moment.
            with suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime < before.timestamp():
                    Path(entry).unlink()
                    removed += 1
    return removed

"""The folder in which the workers of a service keep their counts."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from application.ports.errors import ConfigurationError

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Variable in which the library finds the folder when it is imported."""
_PREFIX: Final = "dialtone-metrics-"
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder in it has a random name


@contextmanager
def open_metrics_folder(parent: Path = _MEMORY) -> Iterator[Path]:
    """Create an empty folder of this user only, name it to the library, and remove it at the end.

    - It is in memory: a full disk would end a worker that counts (SIGBUS), and a slow one would
      delay it. The locks of `multiprocessing` need this place too.
    - It has a random name, so that no other user can create it before.
    - Folders that killed services left are removed. Each service locks its own.

    Raises:
        ConfigurationError: it cannot be created.
    """
    try:
        _remove_left_folders(parent)
        folder = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # From now on others see it, and that it is locked.
        folder = folder.rename(parent / folder.name.removeprefix("."))
    except OSError as error:
        raise ConfigurationError(
            f"Metrics need a folder in {parent}: {os.strerror(error.errno or 0).lower()}. "
            "Let the service write there, or do not set DIALTONE_METRICS_BIND."
        ) from error
    os.environ[VARIABLE] = str(folder)
    try:
        yield folder
    finally:
        os.environ.pop(VARIABLE, None)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_left_folders(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        # Another user's cannot be opened, and one that is in use cannot be locked.
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)

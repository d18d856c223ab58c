"""Reading of media files in tests, and what no other user may read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.contract.suites.media.media_store import read_file

__all__ = ["as_unprivileged_user", "open_files", "read_file"]


_OPEN_DESCRIPTORS: Final = Path("/proc/self/fd")


def open_files(folder: Path) -> list[Path]:
    """Return the files in the folder that this process has open."""
    opened = [descriptor.resolve() for descriptor in _OPEN_DESCRIPTORS.iterdir()]
    return [path for path in opened if path.is_relative_to(folder)]


@contextmanager
def as_unprivileged_user() -> Iterator[None]:
    """Without the rights of root, whom no file mode stops."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)

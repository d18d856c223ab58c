"""The media files that a process reads."""

from pathlib import Path
from typing import Final

_OPEN_DESCRIPTORS: Final = Path("/proc/self/fd")


def open_files(folder: Path) -> list[Path]:
    """Return the files in the folder that this process has open."""
    opened = [descriptor.resolve() for descriptor in _OPEN_DESCRIPTORS.iterdir()]
    return [path for path in opened if path.is_relative_to(folder)]

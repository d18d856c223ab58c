"""Reading of media files in tests."""

from pathlib import Path
from typing import Final

from application.features.media.open_file import OpenFile
from tests.contract.suites.media.media_store import read_file

__all__ = ["open_files", "read_file", "read_opened"]


_OPEN_DESCRIPTORS: Final = Path("/proc/self/fd")


async def read_opened(open_file: OpenFile, storage_key: str) -> bytes:
    """Return the content of the file that the use case opens."""
    async with open_file(await open_file.find(storage_key)) as file:
        return b"".join([chunk async for chunk in file.chunks])


def open_files(folder: Path) -> list[Path]:
    """Return the files in the folder that this process has open."""
    opened = [descriptor.resolve() for descriptor in _OPEN_DESCRIPTORS.iterdir()]
    return [path for path in opened if path.is_relative_to(folder)]

"""Reading the files of somebody else's folder, such as a copy of a bucket."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final

from adapters.media.disk.errors import files_unavailable
from adapters.shared.files import open_regular_file
from application.features.media.ports import StoredFile
from application.ports.errors import ConfigurationError

CHUNK_SIZE: Final = 256 * 1024


class FolderReader:
    """Reads files below a folder by their relative path. None leads out of it, not by a link."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; see `open_folder_reader`."""
        self._folder = folder

    async def get_size(self, key: str) -> int | None:
        async with self.open_file(key) as stored:
            return stored.size if stored else None

    @asynccontextmanager
    async def open_file(self, key: str) -> AsyncIterator[StoredFile | None]:
        file = await asyncio.to_thread(self._open, key)
        if file is None:
            yield None
            return
        with file:
            yield StoredFile(_size(file), _read_chunks(file))

    def _open(self, key: str) -> BinaryIO | None:
        try:
            path = (self._folder / key).resolve()
            is_inside = path.is_relative_to(self._folder) and path.is_file()
            return open_regular_file(path) if is_inside else None
        except (FileNotFoundError, ValueError):  # a NUL is a ValueError
            return None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return None  # a bucket has longer names than a folder
            raise files_unavailable(error) from None


def open_folder_reader(folder: Path) -> FolderReader:
    """Return the reader of a folder, which is not written.

    Raises:
        ConfigurationError: it is no folder, or cannot be read.
    """
    try:
        resolved = folder.resolve(strict=True)
        next(resolved.iterdir(), None)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} cannot be read ({error.strerror}): name another folder, or let "
            "this user read it."
        ) from None
    return FolderReader(resolved)


async def _read_chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK_SIZE):
            yield chunk
    except OSError as error:
        raise files_unavailable(error) from None


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size

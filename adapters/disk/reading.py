"""How a file is read back: piece by piece, whatever becomes of its name meanwhile."""

import os
import stat
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from adapters.disk.folder import must_be_there

CHUNK: Final = 64 * 1024
# Links are not followed, and a pipe in a file's place is not waited for.
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class OpenFile:
    """A file that closes itself when nobody holds it any more."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.size = size
        self.close = weakref.finalize(self, os.close, descriptor)
        self._descriptor = descriptor
        self._at = 0

    def read(self) -> bytes:
        """Give the next piece, or nothing at the end."""
        piece = os.pread(self._descriptor, CHUNK, self._at)
        self._at += len(piece)
        return piece


def open_file(file: Path) -> OpenFile | None:
    """Open a file, or give None when there is none under this name."""
    try:
        descriptor = os.open(file, _FLAGS)
    except OSError as error:
        must_be_there(file.parent)
        if isinstance(error, FileNotFoundError) or file.is_symlink():
            return None
        raise
    status = os.fstat(descriptor)
    opened = OpenFile(descriptor, status.st_size)
    return opened if stat.S_ISREG(status.st_mode) else None


class Chunks:
    """The pieces of a file; it is closed after the last, or as soon as this is dropped."""

    def __init__(
        self, file: OpenFile, off_loop: Callable[[Callable[[], bytes]], Awaitable[bytes]]
    ) -> None:
        self._file = file
        self._off_loop = off_loop

    def __aiter__(self) -> "Chunks":
        return self

    async def __anext__(self) -> bytes:
        if not self._file.close.alive:
            raise StopAsyncIteration
        piece = await self._off_loop(self._file.read)
        if not piece:
            await self.aclose()
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Close the file before its end."""
        self._file.close()

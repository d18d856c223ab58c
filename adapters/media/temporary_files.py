"""The `TemporaryFiles` port, with threads for a disk that may hang."""

import asyncio
import errno
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from io import FileIO, RawIOBase
from threading import Lock
from typing import Any, BinaryIO, Final, ParamSpec, TypeVar, cast

from adapters.shared.threads import DiskThreads, start_thread
from application.features.media.limits import MAX_SPOOLED_FILES
from application.ports.errors import MediaStorageUnavailable
from application.tasks import start_task
from domain.errors import Unavailable
from domain.features.media.errors import NoUploadSpace

TIMEOUT_SECONDS: Final = 10.0
THREADS: Final = 2 * MAX_SPOOLED_FILES
"""The uploads that may have a temporary file cannot use up all of them."""
_UNUSABLE: Final = (
    "The service cannot write the temporary file that a large upload needs. Send a smaller one, or"
    " tell the operator."
)
_log = logging.getLogger(__name__)
_NO_SPACE: Final = {errno.ENOSPC, errno.EDQUOT}

P = ParamSpec("P")
T = TypeVar("T")


class _File(RawIOBase):
    """A file that one thread at a time works with.

    If it is closed meanwhile, that thread closes it when it has done its work.
    """

    def __init__(self, open_file: Callable[[], FileIO]) -> None:
        self._open = open_file
        self._file: FileIO | None = None
        self._in_use = Lock()
        self._is_given_up = False
        self._is_closed = False

    @property
    def closed(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        self._is_given_up = True
        if self._in_use.acquire(blocking=False):
            with suppress(OSError):  # its content is not needed any more
                if self._file is not None:
                    self._file.close()
            self._is_closed = True
            self._in_use.release()

    @contextmanager
    def _use(self) -> Iterator[FileIO]:
        if not self._in_use.acquire(blocking=False):
            raise OSError(errno.EBUSY, "a thread works with the file")
        try:
            if self._is_given_up:
                raise ValueError("the file is closed")
            if self._file is None:
                self._file = self._open()
            yield self._file
        finally:
            self._in_use.release()
            if self._is_given_up:
                self.close()

    def fileno(self) -> int:
        with self._use() as file:
            return file.fileno()

    def readinto(self, buffer: Any) -> int | None:
        with self._use() as file:
            return file.readinto(buffer)

    def write(self, data: Any) -> int:
        with self._use() as file:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with self._use() as file:
            return file.seek(offset, whence)

    def free_bytes(self) -> int | None:
        with self._use() as file:
            disk = os.fstatvfs(file.fileno())
        return disk.f_bavail * disk.f_frsize if disk.f_blocks else None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


class LocalTemporaryFiles:
    """Files in the temporary folder of this machine, without names, or in memory."""

    def __init__(self, threads: DiskThreads) -> None:
        self._threads = threads

    def create(self, *, in_memory: bool = False) -> BinaryIO:
        return cast("BinaryIO", _File(_open_in_memory if in_memory else _open_in_folder))

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._threads.call(function, *args, **kwargs)
        except TimeoutError:
            cause = MediaStorageUnavailable("the disk of the temporary folder does not respond")
            raise Unavailable from cause
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise NoUploadSpace from error
            raise Unavailable(_UNUSABLE) from _describe(error)

    async def warn_if_unusable(self) -> None:
        """Log that uploads which outgrow the memory will fail, if there is no folder for them."""
        file = self.create()
        try:
            await self._threads.call(file.write, b"x")
        except TimeoutError:  # the check of the disk says so
            return
        except OSError as error:
            if error.errno not in _NO_SPACE:
                reason = str(_describe(error))
                _log.warning({"event": "temporary_folder_unusable", "reason": reason})
        finally:
            await self.close(file)

    async def close(self, *files: BinaryIO) -> None:
        # Also for a caller that is cancelled.
        await asyncio.shield(start_task("close_files", self._close(files)))

    async def free_bytes(self, file: BinaryIO, /) -> int | None:
        return await self.call(cast("_File", file).free_bytes)

    async def _close(self, files: tuple[BinaryIO, ...]) -> None:
        def close_all() -> None:
            for file in files:
                file.close()

        try:
            await self._threads.call(close_all)
        except TimeoutError:  # all threads hang, or this file does, and others are still open
            start_thread("close_files", close_all)


@asynccontextmanager
async def open_temporary_files(
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> AsyncIterator[LocalTemporaryFiles]:
    """Open the temporary files. At last, this waits for the calls in progress."""
    threads = DiskThreads("temporary_files", THREADS, timeout_seconds)
    try:
        yield LocalTemporaryFiles(threads)
    finally:
        await threads.finish()


def _describe(error: OSError) -> MediaStorageUnavailable:
    name = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return MediaStorageUnavailable("no temporary folder can be written to: set TMPDIR to one", name)


def _open_in_folder() -> FileIO:
    return tempfile.TemporaryFile(buffering=0)


def _open_in_memory() -> FileIO:
    return FileIO(os.memfd_create("upload"), "w+b")

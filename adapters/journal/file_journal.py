"""The journal as a file, to which all processes of a machine add lines."""

import errno
import os
from pathlib import Path
from typing import Final

from adapters.files import lock_file
from adapters.threads import DiskThreads
from application.ports.errors import ConfigurationError
from application.ports.journal import JournalUnavailable

WRITE_TIMEOUT: Final = 5.0
LOCK_TIMEOUT: Final = 4.0
"""Seconds. A line takes milliseconds: longer, and the process that has the lock was stopped."""
_HANGS: Final = "the disk does not respond, or another process keeps the lock of the file"
_MODE: Final = 0o600
_ROOT: Final = 0


class FileJournal:
    """Add each line to the end of a file, and wait until the disk has it.

    - The file is opened for each line, so logrotate may rename it, and the next line begins a new
      one. It is created with mode 0600.
    - A lock keeps lines whole, whichever process writes them. A line that does not fit on the disk
      is removed again. After a crash the next line begins on a line of its own.
    """

    def __init__(self, path: Path) -> None:
        """Write to this file, which need not exist yet."""
        self._path = path
        self._threads = DiskThreads("journal", 1, WRITE_TIMEOUT)

    async def write(self, line: str) -> None:
        try:
            await self._threads.call(self._append, f"{line}\n".encode())
        except TimeoutError:
            raise JournalUnavailable(_HANGS) from None
        except OSError as error:
            raise JournalUnavailable(os.strerror(error.errno or 0).lower()) from None

    async def check(self) -> None:
        """Check that a line could be added. Nothing is created.

        Raises:
            ConfigurationError: it could not.
        """
        try:
            await self._threads.call(self._check)
        except OSError as error:
            is_late = isinstance(error, TimeoutError)
            reason = _HANGS if is_late else os.strerror(error.errno or 0).lower()
            raise ConfigurationError(
                f"{self._path} cannot be written: {reason}. Create its folder, and let the user "
                "of the service write there."
            ) from None

    def _check(self) -> None:
        if self._path.exists():
            self._append(b"")
            return
        folder = self._path.parent
        folder.stat()
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
            raise PermissionError(errno.EACCES, "no access")

    def _append(self, data: bytes) -> None:
        is_new = not self._path.exists()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, _MODE)
        try:
            lock_file(descriptor, LOCK_TIMEOUT)
            if is_new:
                self._give_to_owner_of_folder(descriptor)
            _append_whole(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(self._path.parent)

    def _give_to_owner_of_folder(self, descriptor: int) -> None:
        # A command of root may write the first line.
        if os.geteuid() == _ROOT:
            folder = self._path.parent.stat()
            os.fchown(descriptor, folder.st_uid, folder.st_gid)


def _append_whole(descriptor: int, data: bytes) -> None:
    """Write all of it or nothing."""
    size = os.fstat(descriptor).st_size
    if data and size and os.pread(descriptor, 1, size - 1) != b"\n":
        data = b"\n" + data
    try:
        left = data
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

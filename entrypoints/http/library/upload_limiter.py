"""Limits of the uploads that are in progress."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final

from domain.errors import NoUploadSpace, TooManyUploads

MAX_UPLOADS: Final = 64
"""In one server process."""
MAX_UPLOADS_PER_IDENTITY: Final = 2
MAX_MEMORY_BYTES: Final = 1024 * 1024
"""What each upload may have in memory. A larger file is usually written to a temporary file."""
MAX_PHOTO_BYTES: Final = 4 * 1024 * 1024
SHARED_MEMORY_BYTES: Final = 32 * 1024 * 1024
"""Files up to `MAX_PHOTO_BYTES` are in memory too, while they have at most this in addition."""
MAX_SPOOLED_FILES: Final = 16
"""So many files of the maximum size fit into the temporary files of one server process."""
MAX_SHARE_OF_IDENTITY: Final = 2
"""One identity can have half of the space for temporary files."""


def free_temporary_bytes() -> int | None:
    """Return the free space of the temporary folder, or None if it has no size of its own."""
    usage = shutil.disk_usage(tempfile.gettempdir())
    return usage.free if usage.total else None


def open_lock_file() -> int:
    """Open an unnamed empty file for locks; return its descriptor."""
    create_in_memory = getattr(os, "memfd_create", None)
    if create_in_memory is not None:
        file: int = create_in_memory("upload locks")
        return file
    file, path = tempfile.mkstemp()  # macOS
    Path(path).unlink()
    return file


class IdentityLocks:
    """Two locks for each identity, which all server processes of a host share.

    They are record locks of one empty file, at positions that belong to the identity. A process
    that is killed has no locks any more.
    """

    def __init__(self, file: int | None) -> None:
        """Use a file that was opened before the processes were forked; None for one process."""
        self._file = file
        # A record lock does not exclude the process that has it.
        self._own: set[int] = set()

    def acquire(self, identity_id: str) -> int:
        """Return a lock of this identity.

        Raises:
            TooManyUploads: All are in use.
        """
        digest = blake2b(identity_id.encode(), digest_size=7).digest()
        first = int.from_bytes(digest) * MAX_UPLOADS_PER_IDENTITY
        for position in range(first, first + MAX_UPLOADS_PER_IDENTITY):
            if position in self._own:
                continue
            try:
                self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB, position)
            except OSError:  # another process has it
                continue
            self._own.add(position)
            return position
        raise TooManyUploads

    def release(self, position: int) -> None:
        """Release a lock."""
        self._lock(fcntl.LOCK_UN, position)
        self._own.remove(position)

    def _lock(self, operation: int, position: int) -> None:
        if self._file is not None:
            fcntl.lockf(self._file, operation, 1, position)


class UploadInProgress:
    """One upload, and the space for its temporary file.

    Attributes:
        identity_id: Who uploads.
        memory_bytes: How much of its file may be in memory.
        reserved_bytes: The space that is reserved for it.
        written_bytes: The part of it that is written.
    """

    def __init__(self, identity_id: str, limiter: "UploadLimiter") -> None:
        """Start without space."""
        self.identity_id = identity_id
        self.memory_bytes = MAX_MEMORY_BYTES
        self.reserved_bytes = 0
        self.written_bytes = 0
        self._limiter = limiter

    def announce(self, size: int) -> None:
        """Reserve memory for a file of this size, or else space for a temporary file.

        Raises:
            NoUploadSpace
            OSError
        """
        if size <= MAX_PHOTO_BYTES and self._limiter.has_memory(size):
            self.memory_bytes = max(size, MAX_MEMORY_BYTES)
        if size > self.memory_bytes:
            self.reserve(size)

    def reserve(self, size: int) -> None:
        """Reserve space for a file of this size in total.

        Raises:
            NoUploadSpace: The folder, the limit, or the identity's half has no space for it.
            OSError: There is no temporary folder.
        """
        growth = size - self.reserved_bytes
        if growth > 0:
            self._limiter.check_space(self.identity_id, growth)
            self.reserved_bytes = size


class UploadLimiter:
    """Admits uploads, before their bodies are read.

    - At most `max_uploads` at the same time in this process, and two of one identity in all
      processes.
    - Their temporary files have at most `max_bytes`, and at most what is free in the folder. One
      identity has at most half of that, so that it cannot use up the space of all others.
    """

    def __init__(
        self,
        max_uploads: int,
        max_bytes: int,
        locks: IdentityLocks,
        free_bytes: Callable[[], int | None] = free_temporary_bytes,
    ) -> None:
        """Start without uploads."""
        self._max_uploads = max_uploads
        self._max_bytes = max_bytes
        self._locks = locks
        self._free_bytes = free_bytes
        self._uploads: set[UploadInProgress] = set()

    @contextmanager
    def admit(self, identity_id: str) -> Iterator[UploadInProgress]:
        """Admit an upload until the end of the block.

        Raises:
            TooManyUploads
        """
        if len(self._uploads) >= self._max_uploads:
            raise TooManyUploads
        lock = self._locks.acquire(identity_id)
        upload = UploadInProgress(identity_id, self)
        self._uploads.add(upload)
        try:
            yield upload
        finally:
            self._uploads.remove(upload)
            self._locks.release(lock)

    def has_memory(self, size: int) -> bool:
        """Return whether a file of this size may be in memory."""
        used = sum(upload.memory_bytes - MAX_MEMORY_BYTES for upload in self._uploads)
        return used + size - MAX_MEMORY_BYTES <= SHARED_MEMORY_BYTES

    def check_space(self, identity_id: str, growth: int) -> None:
        """Raise NoUploadSpace if the identity cannot reserve so many bytes more."""
        space = self._max_bytes
        free_bytes = self._free_bytes()
        if free_bytes is not None:
            space = min(space, free_bytes + sum(upload.written_bytes for upload in self._uploads))
        reserved = sum(upload.reserved_bytes for upload in self._uploads)
        own = sum(
            upload.reserved_bytes for upload in self._uploads if upload.identity_id == identity_id
        )
        if reserved + growth > space or own + growth > space // MAX_SHARE_OF_IDENTITY:
            raise NoUploadSpace

"""The limiter of uploads, and what it needs of the operating system."""

import fcntl
import shutil
import tempfile
import time
from hashlib import blake2b

from application.features.media.limits import (
    MAX_SPOOLED_FILES,
    MAX_UPLOADS,
    MAX_UPLOADS_PER_IDENTITY,
    UploadLimiter,
)
from domain.features.media.errors import TooManyUploads
from entrypoints.http.features.media.settings import HttpMediaSettings
from entrypoints.http.requests.request import ApiRequest


def free_temporary_bytes() -> int | None:
    """Return the free space of the temporary folder, or None if it has no size of its own."""
    usage = shutil.disk_usage(tempfile.gettempdir())
    return usage.free if usage.total else None


class FileLocks:
    """The locks of uploads, which all server processes of a host share.

    They are record locks of one empty file, at positions that belong to the identity. A process
    that is killed has no locks any more.
    """

    def __init__(self, file: int | None) -> None:
        """Use a file that was opened before the processes were forked; None for one process."""
        self._file = file
        # A record lock does not exclude the process that has it.
        self._own: set[int] = set()

    def acquire(self, identity_id: str) -> int:
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
        self._lock(fcntl.LOCK_UN, position)
        self._own.remove(position)

    def _lock(self, operation: int, position: int) -> None:
        if self._file is not None:
            fcntl.lockf(self._file, operation, 1, position)


def make_upload_limiter(settings: HttpMediaSettings, lock_file: int | None) -> UploadLimiter:
    """Return the limiter of a server process; `lock_file` is that of `HttpSettings`."""
    return UploadLimiter(
        MAX_UPLOADS,
        MAX_SPOOLED_FILES * settings.upload_limit,
        FileLocks(lock_file),
        free_bytes=free_temporary_bytes,
        now=time.monotonic,
    )


def provide_upload_limiter(request: ApiRequest) -> UploadLimiter:
    """Provide the limiter, which all requests share, to handlers."""
    limiter: UploadLimiter = request.app.state.upload_limiter
    return limiter

"""Limits of the uploads that are in progress."""

import asyncio
import fcntl
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import blake2b
from ipaddress import IPv6Network
from typing import Final

from domain.errors import NoUploadSpace, TooManyUploads
from entrypoints.http.request import ApiRequest
from entrypoints.http.settings import HttpSettings

MAX_UPLOADS: Final = 64
"""In one server process."""
MAX_UPLOADS_PER_IDENTITY: Final = 2
MAX_MEMORY_BYTES: Final = 1024 * 1024
"""What each upload has in memory. A larger file is written to a temporary file."""
MAX_SPOOLED_FILES: Final = 16
"""So many files of the maximum size fit into the temporary files of one server process."""
RATE_DELAY_SECONDS: Final = 5.0
"""An upload that is younger keeps the minimum rate."""
_MIN_AGE: Final = 0.001
_END_TIMEOUT: Final = 2.0


def free_temporary_bytes() -> int | None:
    """Return the free space of the temporary folder, or None if it has no size of its own."""
    usage = shutil.disk_usage(tempfile.gettempdir())
    return usage.free if usage.total else None


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
        network: The network of the client.
        received_bytes: The part of its file that has arrived.
        reserved_bytes: The space that is reserved for its temporary file.
        written_bytes: The part of the temporary file that is written.
        is_receiving: Whether the rest is still to come.
    """

    def __init__(self, identity_id: str, client_ip: str, limiter: "UploadLimiter") -> None:
        """Start without space."""
        self.identity_id = identity_id
        self.network = _network_of(client_ip)
        self.began_at = limiter.now()
        self.received_bytes = 0
        self.reserved_bytes = 0
        self.written_bytes = 0
        self.is_receiving = True
        self.closed = asyncio.Event()
        self._limiter = limiter
        self._receiving = asyncio.timeout(None)

    @asynccontextmanager
    async def receive(self) -> AsyncIterator[None]:
        """Read the body within this block, which another upload may end.

        Raises:
            NoUploadSpace
        """
        try:
            async with self._receiving:
                yield
        except TimeoutError:
            if self._receiving.expired():
                raise NoUploadSpace from None
            raise
        finally:
            self.is_receiving = False

    async def end(self) -> None:
        """End the upload, and wait until its space is free again."""
        if not self._receiving.expired():
            self._receiving.reschedule(asyncio.get_running_loop().time())
        # An upload that has just been received completely is not ended.
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_TIMEOUT):
                await self.closed.wait()

    def announce(self, size: int) -> None:
        """Check that there is space for a file of this size.

        Raises:
            NoUploadSpace: Even without other uploads there is no space for it.
            OSError: There is no temporary folder.
        """
        if size > MAX_MEMORY_BYTES and size > self._limiter.total_space():
            raise NoUploadSpace

    async def add(self, size: int) -> bool:
        """Count bytes that have arrived; return whether the file is to be written to the disk.

        Raises:
            NoUploadSpace: There is no space, and no other upload is to be ended for this one.
            OSError: There is no temporary folder.
        """
        self.received_bytes += size
        if self.received_bytes <= MAX_MEMORY_BYTES:
            return False
        await self._limiter.reserve(self, self.received_bytes)
        return True

    def rate(self, now: float) -> float:
        """Return the bytes a second since it began."""
        return self.received_bytes / max(now - self.began_at, _MIN_AGE)


class UploadLimiter:
    """Admits uploads, and reserves the space for their temporary files as their bytes arrive.

    - At most `max_uploads` at the same time in this process, and two of one identity in all
      processes.
    - Their temporary files have at most `max_bytes`, and at most what is free in the folder.
    - When one of the two is used up, an upload ends: the slowest of those that are below the
      minimum rate five seconds after they began. If there is none, it is the slowest of a user
      with two uploads: of the network, and in it the user, that holds the most bytes for the
      longest time. If there is none either, the one that needs the space is rejected: the only
      upload of a user that keeps the rate is never ended for another.
    """

    def __init__(
        self,
        max_uploads: int,
        max_bytes: int,
        locks: IdentityLocks,
        *,
        min_rate: int = 32_000,
        free_bytes: Callable[[], int | None] = free_temporary_bytes,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without uploads; `min_rate` is in bytes a second."""
        self.now = now
        self._max_uploads = max_uploads
        self._max_bytes = max_bytes
        self._locks = locks
        self._min_rate = min_rate
        self._free_bytes = free_bytes
        self._uploads: list[UploadInProgress] = []

    @asynccontextmanager
    async def admit(self, identity_id: str, client_ip: str) -> AsyncIterator[UploadInProgress]:
        """Admit an upload until the end of the block.

        Raises:
            TooManyUploads
        """
        lock = self._locks.acquire(identity_id)
        upload = UploadInProgress(identity_id, client_ip, self)
        try:
            while len(self._uploads) >= self._max_uploads:
                ended = self._choose([*self._uploads, upload], upload)
                if ended is upload:
                    raise TooManyUploads
                await ended.end()
            self._uploads.append(upload)
            try:
                yield upload
            finally:
                self._uploads.remove(upload)
        finally:
            self._locks.release(lock)
            upload.closed.set()

    def total_space(self) -> int:
        """Return the space for the temporary files of all uploads."""
        free_bytes = self._free_bytes()
        if free_bytes is None:
            return self._max_bytes
        written = sum(upload.written_bytes for upload in self._uploads)
        return min(self._max_bytes, free_bytes + written)

    async def reserve(self, upload: UploadInProgress, size: int) -> None:
        """Reserve space for this size in total, and end other uploads if it is used up.

        Raises:
            NoUploadSpace
            OSError: There is no temporary folder.
        """
        while self._reserved() + size - upload.reserved_bytes > self.total_space():
            # Those that have only memory give no space back.
            holders = [
                holder for holder in self._uploads if holder.reserved_bytes or holder is upload
            ]
            ended = self._choose(holders, upload)
            if ended is upload:
                raise NoUploadSpace
            await ended.end()
        upload.reserved_bytes = max(size, upload.reserved_bytes)

    def _reserved(self) -> int:
        return sum(upload.reserved_bytes for upload in self._uploads)

    def _choose(
        self, holders: Sequence[UploadInProgress], in_need: UploadInProgress
    ) -> UploadInProgress:
        """Return the upload to be ended, or the one in need of space; the class has the rules.

        Those that were received completely are not ended: that they last is not their client's
        fault.
        """
        now = self.now()
        receiving = [upload for upload in holders if upload.is_receiving]
        slow = [upload for upload in receiving if upload.rate(now) < self._min_rate]
        slow = [upload for upload in slow if now - upload.began_at >= RATE_DELAY_SECONDS]
        if slow:
            return min(slow, key=lambda upload: upload.rate(now))
        users = Counter(upload.identity_id for upload in self._uploads)
        by_network: Counter[str] = Counter()
        by_user: Counter[tuple[str, str]] = Counter()
        for upload in receiving:
            held = round(upload.received_bytes * (now - upload.began_at))
            by_network[upload.network] += held
            by_user[upload.network, upload.identity_id] += held
        return max(
            [upload for upload in receiving if users[upload.identity_id] > 1] or [in_need],
            key=lambda upload: (
                by_network[upload.network],
                by_user[upload.network, upload.identity_id],
                -upload.rate(now),
            ),
        )


def make_upload_limiter(settings: HttpSettings) -> UploadLimiter:
    """Return the limiter of a server process."""
    return UploadLimiter(
        MAX_UPLOADS,
        MAX_SPOOLED_FILES * settings.media.upload_limit,
        IdentityLocks(settings.upload_lock_file),
        min_rate=settings.media.upload_min_rate,
    )


def provide_upload_limiter(request: ApiRequest) -> UploadLimiter:
    """Provide the limiter, which all requests share, to handlers."""
    limiter: UploadLimiter = request.app.state.upload_limiter
    return limiter


def _network_of(client_ip: str) -> str:
    """Return the IPv4 /24 or the IPv6 /48 of a client."""
    if ":" in client_ip:
        return str(IPv6Network(client_ip).supernet(new_prefix=48))
    return client_ip.rpartition(".")[0]

"""Limits of uploads: those in progress, and the pixels of an hour."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv6Network
from math import ceil
from typing import Final

from application.features.media.ports import UploadLocks
from application.ports.system import MonotonicClock
from domain.features.media.errors import NoUploadSpace, TooManyPixels, TooManyUploads

MIN_UPLOAD_RATE: Final = 32_000
"""In bytes a second. A slower upload is ended only if others need its space: on the slowest mobile
networks that people upload pictures in, one goes on at least at this rate."""
MAX_UPLOADS: Final = 64
"""In one server process."""
MAX_UPLOADS_PER_IDENTITY: Final = 2
"""In all server processes of a host."""
MAX_MEMORY_BYTES: Final = 1024 * 1024
"""What each upload has in memory. A larger file is written to a temporary file."""
MAX_SPOOLED_FILES: Final = 16
"""So many files of the maximum size fit into the temporary files of one server process."""
MEGAPIXELS_PER_HOUR: Final = 2_000
"""Of a user's images, with all their frames, in an instance: a hundred photos of a phone."""
RATE_DELAY_SECONDS: Final = 5.0
"""A younger upload counts as one that keeps the minimum rate."""
_MIN_AGE: Final = 0.001
_END_TIMEOUT: Final = 2.0
_MINUTE: Final = 60
_MINUTES: Final = 61
"""Pixels count for an hour after the end of their minute."""


class RunningUpload:
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
    - Their temporary files have at most `max_bytes`, and at most what is free in the folder. If the
      announced size were reserved, a client would use up space without sending anything.
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
        locks: UploadLocks,
        *,
        min_rate: int = MIN_UPLOAD_RATE,
        free_bytes: Callable[[], int | None],
        now: MonotonicClock,
    ) -> None:
        """Start without uploads.

        Args:
            max_uploads: How many may be in progress in this process.
            max_bytes: The size of all temporary files.
            locks: The locks of the identities.
            min_rate: The minimum rate, in bytes a second.
            free_bytes: The free space for temporary files; None if it has no size of its own.
            now: The clock of the rates.
        """
        self.now = now
        self._max_uploads = max_uploads
        self._max_bytes = max_bytes
        self._locks = locks
        self._min_rate = min_rate
        self._free_bytes = free_bytes
        self._uploads: list[RunningUpload] = []

    @asynccontextmanager
    async def admit(self, identity_id: str, client_ip: str) -> AsyncIterator[RunningUpload]:
        """Admit an upload until the end of the block.

        Raises:
            TooManyUploads
        """
        lock = self._locks.acquire(identity_id)
        upload = RunningUpload(identity_id, client_ip, self)
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

    async def reserve(self, upload: RunningUpload, size: int) -> None:
        """Reserve space for this size in total, and end other uploads if it is used up.

        Raises:
            NoUploadSpace
            OSError: There is no temporary folder.
        """
        while self._reserved() + size - upload.reserved_bytes > self.total_space():
            # Uploads that are only in memory give no space back.
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

    def _choose(self, holders: Sequence[RunningUpload], in_need: RunningUpload) -> RunningUpload:
        """Return the upload to be ended, or the one in need of space; the class has the rules.

        Uploads that were received completely are not ended: it is not their clients that take so
        long.
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


class PixelAllowance:
    """Counts the pixels of each identity in the last hour, to the minute.

    It is kept in memory: another process counts on its own, and a restart forgets.
    """

    def __init__(self, max_pixels: int, now: MonotonicClock) -> None:
        """Allow this many pixels per identity and hour."""
        self._max_pixels = max_pixels
        self._now = now
        self._used: dict[str, Counter[int]] = {}  # the pixels of each minute

    def acquire(self, identity_id: str, pixels: int) -> None:
        """Count an image. One that exceeds the whole allowance uses all of it.

        Raises:
            TooManyPixels: The allowance is used up; the image is not counted.
        """
        now = self._now()
        minute = int(now // _MINUTE)
        self._forget_before(minute)
        used = self._used.setdefault(identity_id, Counter())
        pixels = min(pixels, self._max_pixels)
        missing = used.total() + pixels - self._max_pixels
        for counted, count in used.items() if missing > 0 else ():
            missing -= count
            if missing <= 0:
                raise TooManyPixels(ceil((counted + _MINUTES) * _MINUTE - now))
        used[minute] += pixels

    def _forget_before(self, minute: int) -> None:
        """Forget the minutes that have expired, and identities without others."""
        for identity_id, used in list(self._used.items()):
            for expired in [
                used_minute for used_minute in used if used_minute + _MINUTES <= minute
            ]:
                del used[expired]
            if not used:
                del self._used[identity_id]


def _network_of(client_ip: str) -> str:
    """Return the IPv4 /24 or the IPv6 /48 of a client."""
    if ":" in client_ip:
        return str(IPv6Network(client_ip).supernet(new_prefix=48))
    return client_ip.rpartition(".")[0]

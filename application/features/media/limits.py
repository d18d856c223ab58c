"""Limits of uploads: those in progress, the images that are decoded, and the pixels of an hour."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from ipaddress import IPv6Network
from math import ceil
from typing import BinaryIO, Final

from application.features.media.ports import TemporaryFiles
from application.ports.system import MonotonicClock
from domain.features.media.errors import NoUploadSpace, TooManyPixels, TooManyUploads

MIN_UPLOAD_RATE: Final = 32_000
"""Bytes a second. A slower upload is ended only if another one needs its place: on the slowest
mobile networks that people upload pictures in, one goes on at least at this rate."""
RATE_DELAY_SECONDS: Final = 5.0
"""A younger upload counts as one that keeps the minimum rate."""
MAX_UPLOADS: Final = 64
"""Maximum uploads in one server process."""
MAX_UPLOADS_PER_IDENTITY: Final = 2
MAX_UPLOADS_PER_NETWORK: Final = MAX_UPLOADS // 2
MAX_MEMORY_BYTES: Final = 1024 * 1024
"""Memory of each upload. A larger file is written to a temporary file."""
MAX_SPOOLED_FILES: Final = 16
"""Uploads in one server process with such a file."""
MAX_SPOOLED_FILES_PER_NETWORK: Final = MAX_SPOOLED_FILES // 2
DECODING_TIMEOUT_SECONDS: Final = 60.0
MEGAPIXELS_PER_HOUR: Final = 2_000
"""A user's images, with all their frames, in an instance: a hundred photos of a phone."""
_MIN_AGE: Final = 0.001
_MINUTE: Final = 60
_MINUTES: Final = 61
"""Pixels count for an hour after the end of their minute."""


class RunningUpload:
    """An upload: in memory until it is too large for that, then in a temporary file.

    Attributes:
        announced_bytes: The maximum size of its file.
        received_bytes: The part of it that has arrived.
        written_bytes: The part of it that is in the file.
    """

    def __init__(
        self, limiter: "UploadLimiter", identity_id: str, client_ip: str, announced_bytes: int
    ) -> None:
        self.identity_id = identity_id
        self.network = _network_of(client_ip)
        self.announced_bytes = announced_bytes
        self.received_bytes = 0
        self.written_bytes = 0
        self.file: BinaryIO | None = None
        self.is_receiving = False
        self._is_ended = False
        self._limiter = limiter
        self._began_at = limiter.now()
        self._blocks: list[bytes] = []
        self._receiving = asyncio.timeout(None)

    @asynccontextmanager
    async def receive(self) -> AsyncIterator[None]:
        """Read the body within this block, which another upload may end.

        Raises:
            TooManyUploads
        """
        try:
            async with self._receiving:
                self.is_receiving = True
                yield
        except TimeoutError:
            if not self._is_ended:
                raise
        finally:
            self.is_receiving = False
        # Also if the rest arrived in the same moment.
        if self._is_ended:
            raise TooManyUploads

    def end(self) -> None:
        """Stop receiving the body, for another upload."""
        self._is_ended = True
        self.is_receiving = False
        self._receiving.reschedule(asyncio.get_running_loop().time())

    async def append(self, data: bytes) -> None:
        self.received_bytes += len(data)
        self._blocks.append(data)
        if self.received_bytes - self.written_bytes > MAX_MEMORY_BYTES:
            if self.file is None:
                self.file = await self._limiter.spool(self)
            await self._limiter.files.call(self.file.writelines, self._blocks)
            self.written_bytes = self.received_bytes
            self._blocks = []

    async def finish(self) -> BinaryIO:
        """Return the whole file at its beginning. It is closed when the upload ends."""
        file = self.file = self.file or self._limiter.files.create(in_memory=True)

        def write_rest() -> None:
            file.writelines(self._blocks)
            file.seek(0)

        await self._limiter.files.call(write_rest)
        self._blocks = []
        return file

    def rate(self, now: float) -> float:
        """Return the bytes a second since it began."""
        return self.received_bytes / max(now - self._began_at, _MIN_AGE)

    def is_slow(self, now: float) -> bool:
        """Return whether another upload may take its place: the client does not keep the rate."""
        is_old = now - self._began_at >= RATE_DELAY_SECONDS
        return self.is_receiving and is_old and self.rate(now) < MIN_UPLOAD_RATE


class UploadLimiter:
    """Admits uploads in one server process, and lets some of them outgrow the memory.

    - One outgrows it only if its folder has space for its announced size, beside what the others
      may still write.
    - If there is no place or space, the slowest upload ends that is below the minimum rate and
      would make room: another one of the user, of the network, of all, or of those with a temporary
      file, of the network or of all. If there is none, the newer one is rejected.
    - The file of an upload may be closed later, if the disk hangs. It counts until then.
    """

    def __init__(self, files: TemporaryFiles, now: MonotonicClock) -> None:
        self.files = files
        self.now = now
        self._uploads = set[RunningUpload]()
        self._spooled: dict[RunningUpload, BinaryIO] = {}

    @asynccontextmanager
    async def admit(
        self, identity_id: str, client_ip: str, announced_bytes: int
    ) -> AsyncIterator[RunningUpload]:
        """Admit an upload until the end of the block.

        Raises:
            TooManyUploads
        """
        upload = RunningUpload(self, identity_id, client_ip, announced_bytes)
        while rivals := self._find_rivals(upload):
            if not await self._end_slowest(rivals):
                raise TooManyUploads
        self._uploads.add(upload)
        try:
            yield upload
        finally:
            await self._remove(upload)

    async def spool(self, upload: RunningUpload) -> BinaryIO:
        """Return a temporary file for an upload that outgrows the memory.

        Raises:
            NoUploadSpace, TooManyUploads
        """
        # From now on, others leave it the space.
        self._spooled[upload] = file = self.files.create()
        try:
            while True:
                self._spooled = {one: its for one, its in self._spooled.items() if not its.closed}
                missing = 0
                rivals = self._find_spooled_rivals(upload)
                if not rivals:
                    # Before the free space: what is written meanwhile counts twice, and not never.
                    claimed = sum(one.announced_bytes - one.written_bytes for one in self._spooled)
                    free = await self.files.free_bytes(file)
                    missing = 0 if free is None else claimed - free
                    if missing <= 0:
                        return file
                    others = self._spooled.keys() - {upload}
                    rivals = [one for one in others if one.announced_bytes >= missing]
                if not await self._end_slowest(rivals):
                    raise NoUploadSpace if missing else TooManyUploads
        except BaseException:
            await self.files.close(file)
            raise

    def _find_rivals(self, upload: RunningUpload) -> list[RunningUpload]:
        """Return the uploads of which one has to end before this one can begin."""
        own = [one for one in self._uploads if one.identity_id == upload.identity_id]
        if len(own) >= MAX_UPLOADS_PER_IDENTITY:
            return own
        near = [one for one in self._uploads if one.network == upload.network]
        if len(near) >= MAX_UPLOADS_PER_NETWORK:
            return near
        return [*self._uploads] if len(self._uploads) >= MAX_UPLOADS else []

    def _find_spooled_rivals(self, upload: RunningUpload) -> list[RunningUpload]:
        """Return the uploads with a file of which one has to end for this one to have its own."""
        others = [one for one in self._spooled if one is not upload]
        near = [one for one in others if one.network == upload.network]
        if len(near) >= MAX_SPOOLED_FILES_PER_NETWORK:
            return near
        return others if len(others) >= MAX_SPOOLED_FILES else []

    async def _end_slowest(self, uploads: Iterable[RunningUpload]) -> bool:
        """End the slowest of these, and return whether one of them is slow."""
        now = self.now()
        slow = [upload for upload in uploads if upload.is_slow(now)]
        if slow:
            slowest = min(slow, key=lambda upload: upload.rate(now))
            slowest.end()
            await self._remove(slowest)
        return bool(slow)

    async def _remove(self, upload: RunningUpload) -> None:
        self._uploads.discard(upload)
        if upload.file is not None:
            await self.files.close(upload.file)


class DecodingLimiter:
    """Lets a few images be decoded at a time, in the order in which they arrive.

    Images in work have at most `max_pixels` together: their number alone would be too low for small
    images, or too high for large ones. One with more pixels is decoded alone. An image that does
    not fit waits, with all behind it: small ones, however many, do not keep it waiting.
    """

    def __init__(
        self, max_images: int, max_pixels: int, timeout: float | None = DECODING_TIMEOUT_SECONDS
    ) -> None:
        """Take the limits, and how many seconds an image waits; None for a job, which has time."""
        self._timeout = timeout
        self._max_images = max_images
        self._max_pixels = max_pixels
        self._images = 0
        self._pixels = 0
        self._next = asyncio.Lock()
        """The first image that waits has it. It is given on in the order of arrival."""
        self._has_ended = asyncio.Event()

    @asynccontextmanager
    async def admit(self, pixels: int = 0) -> AsyncIterator[None]:
        """Wait, and let an image be decoded until the end of the block.

        Raises:
            TooManyUploads: It would have to wait too long.
        """
        pixels = min(pixels, self._max_pixels)
        try:
            async with asyncio.timeout(self._timeout), self._next:
                while self._images >= self._max_images or self._pixels + pixels > self._max_pixels:
                    self._has_ended.clear()
                    await self._has_ended.wait()
                self._images += 1
                self._pixels += pixels
        except TimeoutError:
            raise TooManyUploads from None
        try:
            yield
        finally:
            self._images -= 1
            self._pixels -= pixels
            self._has_ended.set()


class PixelAllowance:
    """Counts the pixels of each identity in the last hour, to the minute.

    It is kept in memory: another process counts on its own, and a restart forgets.
    """

    def __init__(self, max_pixels: int, now: MonotonicClock) -> None:
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

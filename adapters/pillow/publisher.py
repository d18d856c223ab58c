"""The `ImagePublisher` port on Pillow, with threads of its own."""

import asyncio
import threading
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeVar

from PIL import PngImagePlugin

from adapters.pillow.fair_queue import FairQueue
from adapters.pillow.free_memory import return_free_memory
from adapters.pillow.gif import parse_gif, publish_gif
from adapters.pillow.jpeg import count_jpeg_pixels, publish_jpeg
from adapters.pillow.limits import LimitChecker
from adapters.pillow.pixel_allowance import PixelAllowance
from adapters.pillow.png import parse_png, publish_png
from adapters.pillow.still_image import MAX_PROFILE_SIZE
from adapters.pillow.variants import encode_variant
from application.ports.images import EncodedImage, PublishedImage
from domain.errors import InvalidImage, TooManyUploads, Unavailable, UnsupportedImageType
from domain.media.image import ImageLimits, VariantSpec

MAX_IMAGES: Final = 256
MAX_IMAGES_PER_IDENTITY: Final = 16
"""Images in work and waiting, in one process."""
_NOBODY: Final = ""
_IDLE_SECONDS: Final = 1.0
"""After this time without images, memory is returned."""
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class _Format:
    count_pixels: Callable[[bytes, LimitChecker], int]
    publish: Callable[[bytes, LimitChecker], EncodedImage]


_GIF: Final = _Format(lambda content, checker: parse_gif(content, checker).pixels, publish_gif)
# The first bytes alone decide the format (OWASP ASVS 5.0 5.2.2).
_FORMATS: Final = {
    b"\xff\xd8\xff": _Format(count_jpeg_pixels, publish_jpeg),
    b"\x89PNG\r\n\x1a\n": _Format(
        lambda content, checker: parse_png(content, checker).pixels, publish_png
    ),
    b"GIF87a": _GIF,
    b"GIF89a": _GIF,
}


class PillowImagePublisher:
    """Publishes images in a few threads.

    - First the pixels are counted, without decoding. One image at a time is counted.
    - Then the image waits until it may be decoded. Identities take turns in both queues.
    - If too many images are waiting, in total or of the identity, the next one is rejected.
    - If a caller is cancelled, the work on its image stops at the next step.
    """

    def __init__(
        self,
        limits: ImageLimits,
        pool: ThreadPoolExecutor,
        decoding: FairQueue,
        allowance: PixelAllowance,
    ) -> None:
        """Decode in turns of `decoding`. The pool has one thread more, which counts pixels."""
        self._limits = limits
        self._pool = pool
        self._counting = FairQueue(max_running=1, max_pixels=0)
        self._decoding = decoding
        self._allowance = allowance
        self._images = Counter[str]()
        self._returning_memory: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def publish(
        self, upload: BinaryIO, identity_id: str, variants: Sequence[VariantSpec] = ()
    ) -> AsyncIterator[PublishedImage]:
        """Decode the upload and encode it anew."""
        with self._admit(identity_id):
            pixels = await self._run(self._counting, identity_id, 0, _count_pixels, upload)
            self._allowance.acquire(identity_id, pixels)
            published = await self._run(self._decoding, identity_id, pixels, _publish, upload)
            encoded = await self._encode(published.file, identity_id, pixels, variants)
        yield PublishedImage(published, encoded)

    @asynccontextmanager
    async def encode_variants(
        self, published: BinaryIO, variants: Sequence[VariantSpec]
    ) -> AsyncIterator[Mapping[str, EncodedImage]]:
        """Encode variants of an image that was published before, by name."""
        with self._admit(_NOBODY):
            pixels = await self._run(self._counting, _NOBODY, 0, _count_pixels, published)
            encoded = await self._encode(published, _NOBODY, pixels, variants)
        yield encoded

    async def _encode(
        self, published: BinaryIO, identity_id: str, pixels: int, variants: Sequence[VariantSpec]
    ) -> Mapping[str, EncodedImage]:
        def work(file: BinaryIO, _: LimitChecker) -> Mapping[str, EncodedImage]:
            content = file.read()
            file.seek(0)
            return {spec.name: encode_variant(content, spec) for spec in variants}

        if not variants:
            return {}
        return await self._run(self._decoding, identity_id, pixels, work, published)

    def close(self) -> None:
        """Return no more memory."""
        if self._returning_memory is not None:
            self._returning_memory.cancel()

    @contextmanager
    def _admit(self, identity_id: str) -> Iterator[None]:
        if (
            self._images[identity_id] >= MAX_IMAGES_PER_IDENTITY
            or self._images.total() >= MAX_IMAGES
        ):
            raise TooManyUploads
        self._images[identity_id] += 1
        try:
            yield
        finally:
            self._images[identity_id] -= 1
            if not self._images[identity_id]:
                del self._images[identity_id]

    async def _run(
        self,
        queue: FairQueue,
        identity_id: str,
        pixels: int,
        work: Callable[[BinaryIO, LimitChecker], _Result],
        upload: BinaryIO,
    ) -> _Result:
        queued = await queue.acquire(identity_id, pixels)
        cancelled, loop = threading.Event(), asyncio.get_running_loop()

        def release() -> None:
            queue.release(queued)
            self._return_memory_when_idle()

        try:
            future = self._pool.submit(
                lambda: _convert_errors(work, upload, LimitChecker(self._limits, cancelled))
            )
        except RuntimeError as error:  # the pool is closed
            queue.release(queued)
            raise Unavailable from error
        # Not when the caller ends: a cancelled caller does not end the thread's work at once.
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(release))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def _return_memory_when_idle(self) -> None:
        self.close()
        if self._decoding.is_idle:
            self._returning_memory = asyncio.get_running_loop().call_later(
                _IDLE_SECONDS, self._pool.submit, return_free_memory
            )


@asynccontextmanager
async def open_image_publisher(
    limits: ImageLimits, *, threads: int = 1, max_pixels_per_hour: int = 10**12
) -> AsyncIterator[PillowImagePublisher]:
    """Start the threads. Closing waits for the images in progress.

    Args:
        limits: The limits of one image. The images that are decoded at the same time have at most
            the pixels of one image of the maximum size, and a quarter more for small images.
        threads: How many images are decoded at the same time.
        max_pixels_per_hour: The pixels that one identity may publish in an hour.
    """
    # Pillow warns on stderr about broken metadata, which is ignored.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    # Pillow also limits profiles by this.
    PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_SIZE
    pool = ThreadPoolExecutor(threads + 1, thread_name_prefix="images")
    decoding = FairQueue(threads, limits.max_pixels)
    publisher = PillowImagePublisher(limits, pool, decoding, PixelAllowance(max_pixels_per_hour))
    try:
        yield publisher
    finally:
        publisher.close()
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        publisher.close()


def _convert_errors(
    work: Callable[[BinaryIO, LimitChecker], _Result], upload: BinaryIO, checker: LimitChecker
) -> _Result:
    try:
        return work(upload, checker)
    except (InvalidImage, UnsupportedImageType):
        raise
    except Exception as error:
        # Decoders raise many types of exceptions for broken files.
        raise InvalidImage from error


def _count_pixels(upload: BinaryIO, checker: LimitChecker) -> int:
    start = upload.tell()
    content = upload.read()
    upload.seek(start)
    return _format_of(content).count_pixels(content, checker)


def _publish(upload: BinaryIO, checker: LimitChecker) -> EncodedImage:
    content = upload.read()
    return _format_of(content).publish(content, checker)


def _format_of(content: bytes) -> _Format:
    for signature, image_format in _FORMATS.items():
        if content.startswith(signature):
            return image_format
    raise UnsupportedImageType

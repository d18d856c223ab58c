"""The `ImagePublisher` port on Pillow, with threads of its own."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import BinaryIO, Final

import PIL.Image

from adapters.pillow.gif import publish_gif
from adapters.pillow.jpeg import publish_jpeg
from adapters.pillow.limits import LimitChecker
from adapters.pillow.png import publish_png
from application.ports.images import PublishedImage
from domain.errors import InvalidImage, Unavailable, UnsupportedImageType
from domain.media.image import ImageLimits

_MAX_WAITING_PER_THREAD: Final = 16
# The first bytes alone decide the format (OWASP ASVS 5.0 5.2.2).
_PUBLISHERS: Final[dict[bytes, Callable[[bytes, LimitChecker], PublishedImage]]] = {
    b"\xff\xd8\xff": publish_jpeg,
    b"\x89PNG\r\n\x1a\n": publish_png,
    b"GIF87a": publish_gif,
    b"GIF89a": publish_gif,
}


class PillowImagePublisher:
    """Publishes images in a few threads.

    - If too many images are waiting, the next one is rejected.
    - If a caller is cancelled, the work on its image stops at the next step.
    """

    def __init__(self, limits: ImageLimits, pool: ThreadPoolExecutor, capacity: int) -> None:
        """Publish at most `capacity` images at a time, including the waiting ones."""
        self._limits = limits
        self._pool = pool
        self._capacity = threading.BoundedSemaphore(capacity)

    async def publish(self, upload: BinaryIO) -> PublishedImage:
        """Decode the upload and encode it anew."""
        if not self._capacity.acquire(blocking=False):
            raise Unavailable
        cancelled = threading.Event()
        future = self._pool.submit(_publish, upload, self._limits, cancelled)
        future.add_done_callback(self._release)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def _release(self, _: Future[PublishedImage]) -> None:
        self._capacity.release()


@asynccontextmanager
async def open_image_publisher(limits: ImageLimits) -> AsyncIterator[PillowImagePublisher]:
    """Start one thread for each processor. Closing waits for the images in progress."""
    # Pillow's own limit warns below twice its value. It must not warn about images that our
    # limits allow.
    PIL.Image.MAX_IMAGE_PIXELS = max(PIL.Image.MAX_IMAGE_PIXELS or 0, limits.max_pixels)
    threads = os.cpu_count() or 1
    pool = ThreadPoolExecutor(threads, thread_name_prefix="images")
    try:
        yield PillowImagePublisher(limits, pool, threads * (1 + _MAX_WAITING_PER_THREAD))
    finally:
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _publish(upload: BinaryIO, limits: ImageLimits, cancelled: threading.Event) -> PublishedImage:
    checker = LimitChecker(limits, cancelled)
    content = upload.read()
    publish = _publisher_for(content)
    try:
        return publish(content, checker)
    except InvalidImage:
        raise
    except Exception as error:
        # Decoders raise many types of exceptions for broken files.
        raise InvalidImage from error


def _publisher_for(content: bytes) -> Callable[[bytes, LimitChecker], PublishedImage]:
    for signature, publish in _PUBLISHERS.items():
        if content.startswith(signature):
            return publish
    raise UnsupportedImageType

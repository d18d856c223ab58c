import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import BinaryIO, Final

from PIL import Image

from adapters.pillow.allowance import Allowance
from adapters.pillow.animation import publish_gif
from adapters.pillow.kinds import format_of
from adapters.pillow.still import publish_jpeg, publish_png
from application.ports.images import PublishedImage
from domain.errors import PictureRefused, Unavailable
from domain.media.image import ImageFormat, ImageLimits

_WAITING: Final = 16
"""How many pictures may wait for each thread."""
_PUBLISHERS: Final[dict[ImageFormat, Callable[[bytes, Allowance], PublishedImage]]] = {
    ImageFormat.JPEG: publish_jpeg,
    ImageFormat.PNG: publish_png,
    ImageFormat.GIF: publish_gif,
}


class PillowImagePublisher:
    """Pictures, made in a few threads of its own; a crowd is sent away, not queued up.

    A caller that no longer waits has its picture dropped at the next step.
    """

    def __init__(self, limits: ImageLimits, pool: ThreadPoolExecutor, places: int) -> None:
        self._limits = limits
        self._pool = pool
        self._places = threading.BoundedSemaphore(places)

    async def publish(self, upload: BinaryIO) -> PublishedImage:
        if not self._places.acquire(blocking=False):
            raise Unavailable
        abandoned = threading.Event()
        work = self._pool.submit(_publish, upload, self._limits, abandoned)
        work.add_done_callback(self._leave)
        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            abandoned.set()
            raise

    def _leave(self, _: Future[PublishedImage]) -> None:
        self._places.release()


@asynccontextmanager
async def open_image_publisher(limits: ImageLimits) -> AsyncIterator[PillowImagePublisher]:
    """Have as many threads as there are processors; at the end the last picture is finished."""
    # Pillow has a guard of its own, which only warns. Ours comes first; it must not warn of
    # what ours lets through.
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, limits.max_pixels)
    threads = os.cpu_count() or 1
    pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
    try:
        yield PillowImagePublisher(limits, pool, places=threads * (1 + _WAITING))
    finally:
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _publish(upload: BinaryIO, limits: ImageLimits, abandoned: threading.Event) -> PublishedImage:
    allowance = Allowance(limits, abandoned)
    content = upload.read()
    publish = _PUBLISHERS[format_of(content)]
    try:
        return publish(content, allowance)
    except PictureRefused:
        raise
    except Exception as error:
        # Decoders fail on broken files with whatever they stumble over.
        raise PictureRefused from error

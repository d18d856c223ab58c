"""The `ImagePublisher` port on Pillow, in processes of its own."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import BinaryIO, Final

from adapters.media.pillow.processes import DecoderProcesses
from adapters.media.pillow.tasks import Answer, Task
from application.features.media.limits import (
    DECODING_TIMEOUT_SECONDS,
    DecodingLimiter,
    PixelAllowance,
)
from application.features.media.ports import EncodedImage, PublishedImage, TemporaryFiles
from application.ports.errors import ImageDecoderUnavailable
from application.tasks import start_task
from domain.errors import Unavailable
from domain.features.media.image import ImageLimits, SourceFormat, VariantSpec

MAX_SMALL_BYTES: Final = 256 * 1024
"""The results of such an upload are in memory: they need no space in the temporary folder."""
ALL_FORMATS: Final = frozenset(SourceFormat)
Measure = Callable[[], AbstractContextManager[object]]


class PillowImagePublisher:
    """Publishes images in a few decoder processes.

    - First the pixels are counted, without decoding. One image at a time is counted.
    - Then the image waits until it may be decoded. No process waits with it: to read the header
      again takes some 3 % of the time of a photo.
    - If a caller is cancelled, the process that works for it is stopped.
    """

    def __init__(
        self,
        limits: ImageLimits,
        processes: DecoderProcesses,
        decoding: DecodingLimiter,
        temporary_files: TemporaryFiles,
        allowance: PixelAllowance | None = None,
        formats: frozenset[SourceFormat] = ALL_FORMATS,
        measure: Measure = nullcontext,
        *,
        decoding_timeout: float | None = DECODING_TIMEOUT_SECONDS,
    ) -> None:
        self._limits = limits
        self._formats = formats
        self._processes = processes
        self._counting = DecodingLimiter(max_images=1, max_pixels=0, timeout=decoding_timeout)
        self._decoding = decoding
        self._temporary_files = temporary_files
        self._allowance = allowance
        self._measure = measure
        self._working = set[asyncio.Task[Answer]]()
        self._is_closed = False

    @asynccontextmanager
    async def publish(
        self, upload: BinaryIO, identity_id: str, variants: Sequence[VariantSpec] = ()
    ) -> AsyncIterator[PublishedImage]:
        task = Task(self._limits, self._formats, is_published=True, variants=variants)
        async with AsyncExitStack() as files:
            with self._measure():
                full, *rest = await self._encode(task, upload, identity_id, files)
            yield PublishedImage(full, _by_name(variants, rest))

    @asynccontextmanager
    async def encode_variants(
        self, published: BinaryIO, variants: Sequence[VariantSpec]
    ) -> AsyncIterator[Mapping[str, EncodedImage]]:
        task = Task(self._limits, ALL_FORMATS, variants=variants)
        async with AsyncExitStack() as files:
            encoded = await self._encode(task, published, None, files)
            yield _by_name(variants, encoded)

    async def close(self) -> None:
        """Accept no more images, wait for those in progress, and end the processes."""
        self._is_closed = True
        await asyncio.gather(*self._working, return_exceptions=True)
        await self._processes.stop_idle()

    async def _encode(
        self, task: Task, upload: BinaryIO, identity_id: str | None, files: AsyncExitStack
    ) -> list[EncodedImage]:
        counting = Task(self._limits, task.formats)
        pixels = (await self._run(self._counting, 0, counting, [upload.fileno()])).pixels
        if identity_id is not None and self._allowance is not None:
            self._allowance.acquire(identity_id, pixels)
        outputs: list[BinaryIO] = []

        def open_outputs() -> list[int]:
            is_small = os.fstat(upload.fileno()).st_size <= MAX_SMALL_BYTES
            outputs.extend(
                self._temporary_files.create(in_memory=is_small) for _ in range(task.image_count)
            )
            return [file.fileno() for file in (upload, *outputs)]

        try:
            descriptors = await self._temporary_files.call(open_outputs)
        finally:
            files.push_async_callback(self._temporary_files.close, *outputs)
        answer = await self._run(self._decoding, pixels, task, descriptors)
        return list(map(EncodedImage, answer.images, outputs))

    async def _run(
        self, limiter: DecodingLimiter, pixels: int, task: Task, descriptors: Sequence[int]
    ) -> Answer:
        try:
            async with limiter.admit(pixels):
                if self._is_closed:
                    raise Unavailable
                working = start_task("decode_image", self._processes.run(task, descriptors))
                self._working.add(working)
                working.add_done_callback(self._working.discard)
                answer = await working
        except ImageDecoderUnavailable as error:
            raise Unavailable from error
        if answer.failure is not None:
            raise answer.failure.to_error()
        return answer


@asynccontextmanager
async def open_image_publisher(
    limits: ImageLimits,
    temporary_files: TemporaryFiles,
    *,
    processes: int = 1,
    allowance: PixelAllowance | None = None,
    formats: frozenset[SourceFormat] = ALL_FORMATS,
    count_unstopped: Callable[[], object] = lambda: None,
    measure: Measure = nullcontext,
    decoding_timeout: float | None = DECODING_TIMEOUT_SECONDS,
) -> AsyncIterator[PillowImagePublisher]:
    """Open the publisher. Closing waits for the images in progress.

    - `processes` images are decoded at the same time. They have at most the pixels of one image of
      the maximum size. One process more counts pixels.
    - `count_unstopped` counts processes that do not end when they are killed.
    - `measure` measures an upload until its image is encoded, with the wait before.
    - `decoding_timeout` is how many seconds an image waits; None for a job, which has time.
    """
    decoding = DecodingLimiter(processes, limits.max_pixels, decoding_timeout)
    decoders = DecoderProcesses(limits.max_pixels, limits.max_seconds, count_unstopped)
    publisher = PillowImagePublisher(
        limits,
        decoders,
        decoding,
        temporary_files,
        allowance,
        formats,
        measure,
        decoding_timeout=decoding_timeout,
    )
    try:
        yield publisher
    finally:
        await publisher.close()


def _by_name(
    variants: Sequence[VariantSpec], images: Sequence[EncodedImage]
) -> Mapping[str, EncodedImage]:
    return {spec.name: image for spec, image in zip(variants, images, strict=True)}

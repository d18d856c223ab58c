"""Uploads are counted, and calls of the media store and the decoding of images measured."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import BinaryIO, Final, cast

from adapters.metrics.metrics import Metrics, class_label
from adapters.metrics.stores import StoreMeter
from application.ports.media import (
    EncodedImage,
    ImagePublisher,
    MediaFiles,
    PublishedImage,
    StoredFile,
)
from domain.media.image import VariantSpec

_DECODE_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


def count_uploads(metrics: Metrics, route: str) -> None:
    """Count the uploads to a route, by their result."""
    uploads = metrics.counter("uploads", "Uploads of images.", "result")

    def count(status: int, error: type[Exception] | None) -> None:
        uploads.labels(_upload_result(status, error)).inc()

    metrics.count_requests_of("POST", route, count)


def _upload_result(status: int, error: type[Exception] | None) -> str:
    if error is not None:
        return class_label(error)
    return "stored" if status < 400 else "client_closed_request"


def measure_media_files(files: MediaFiles, metrics: Metrics) -> MediaFiles:
    """Return a media store whose calls are measured: of a file that is read, until it is open.

    A list of files is as fast as its caller, and a URL needs no call.
    """
    meter = StoreMeter(metrics, "media")
    measured = meter.measure_methods(files, ("write", "get_size", "delete", "delete_unfinished"))

    @asynccontextmanager
    async def open_file(
        storage_key: str, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[StoredFile | None]:
        async with AsyncExitStack() as stack:
            opening = files.open_file(storage_key, start, stop)
            yield await meter.measure("open_file", stack.enter_async_context(opening))

    return cast(
        "MediaFiles",
        SimpleNamespace(
            **measured, open_file=open_file, list_files=files.list_files, url_for=files.url_for
        ),
    )


class MeasuredImagePublisher:
    """An image publisher that is measured until an image is encoded."""

    def __init__(self, publisher: ImagePublisher, metrics: Metrics) -> None:
        """Measure the images of this publisher."""
        self._publisher = publisher
        self._duration = metrics.histogram(
            "image_decode_duration_seconds",
            "Time to decode and encode an image, with the wait for its turn.",
            _DECODE_SECONDS,
        )

    @asynccontextmanager
    async def publish(
        self, upload: BinaryIO, identity_id: str, variants: Sequence[VariantSpec] = ()
    ) -> AsyncIterator[PublishedImage]:
        async with AsyncExitStack() as stack:
            publishing = self._publisher.publish(upload, identity_id, variants)
            with self._duration.time():
                published = await stack.enter_async_context(publishing)
            yield published

    def encode_variants(
        self, published: BinaryIO, variants: Sequence[VariantSpec]
    ) -> AbstractAsyncContextManager[Mapping[str, EncodedImage]]:
        # It is the work of a command, which has no metrics.
        return self._publisher.encode_variants(published, variants)

"""Uploads are counted, and calls of the media store and the decoding of images measured."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Final, cast

from prometheus_client import Histogram

from adapters.operations.metrics.metrics import Metrics, class_label
from adapters.operations.metrics.stores import StoreMeter
from application.features.media.ports import MediaFiles, StoredFile

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


def declare_decode_duration(metrics: Metrics) -> Histogram:
    """Declare the time of an upload until its image is encoded."""
    return metrics.histogram(
        "image_decode_duration_seconds",
        "Time to decode and encode an image, with the wait for its turn.",
        _DECODE_SECONDS,
    )

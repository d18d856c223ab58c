"""The spans of media: each ends when its file is open or its image is encoded."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from typing import Any

import pytest

from application.media.traced import TracedImagePublisher, TracedMediaFiles
from application.ports.errors import MediaStorageUnavailable
from application.ports.tracing import Attributes, RequestSpan, Span, TracedRequest
from application.tracing import use_tracer
from domain.media.image import VariantSpec
from tests.support.builders import an_id
from tests.support.fakes.images import image_publisher
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.images import as_file, plain_jpeg


class RecordingTracer:
    """A tracer that keeps the names of the calls, as they begin and end."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def trace_request(self, _: TracedRequest, /) -> AbstractContextManager[RequestSpan]:
        raise NotImplementedError

    @contextmanager
    def trace_call(self, name: str, attributes: Attributes, /) -> Iterator[Span]:
        assert not attributes
        self.log.append(name)
        span: Any = object()
        try:
            yield span
        finally:
            self.log.append(f"/{name}")


async def test_calls_of_the_store_are_spans() -> None:
    tracer, stored = RecordingTracer(), InMemoryFiles()
    files = TracedMediaFiles(stored)

    with use_tracer(tracer):
        await files.write("key", BytesIO(b"0123"), "image/jpeg")
        assert await files.get_size("key") == 4
        async with files.open_file("key", 1, 3) as file:
            assert file is not None
            tracer.log.append("read")
            assert [chunk async for chunk in file.chunks] == [b"12"]
        assert (await files.url_for("key")).url.endswith("key")
        await files.delete("key")
        stored.is_unavailable = True
        with pytest.raises(MediaStorageUnavailable):
            await files.get_size("key")

    assert tracer.log == [
        *("write media", "/write media", "get_size media", "/get_size media"),
        *("open_file media", "/open_file media", "read", "delete media", "/delete media"),
        *("get_size media", "/get_size media"),
    ]
    assert stored.open_files == 0


async def test_a_published_image_is_a_span() -> None:
    tracer, publisher = RecordingTracer(), TracedImagePublisher(image_publisher())
    variants = [VariantSpec("thumb", 8, 8)]

    with use_tracer(tracer), as_file(plain_jpeg()) as upload:
        async with publisher.publish(upload, an_id(), variants) as published:
            tracer.log.append("published")
            async with publisher.encode_variants(published.full.file, variants) as encoded:
                assert [*encoded] == ["thumb"]

    assert tracer.log == ["publish image", "/publish image", "published"]

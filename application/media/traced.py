"""The media store and the image publisher, whose calls are spans of their request."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import BinaryIO, Final

from application.ports.media import (
    EncodedImage,
    ImagePublisher,
    MediaFiles,
    MediaUrl,
    PublishedImage,
    StoredFile,
)
from application.ports.tracing import Attributes
from application.tracing import trace_call
from domain.media.image import VariantSpec

_NONE: Final[Attributes] = {}


class TracedMediaFiles:
    """A media store whose calls are spans: of a file that is read, until it is open."""

    def __init__(self, files: MediaFiles) -> None:
        """Trace the calls of this store."""
        self._files = files
        self.list_files = files.list_files
        self.delete_unfinished = files.delete_unfinished

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        with trace_call("write media", _NONE):
            await self._files.write(storage_key, content, content_type)

    async def get_size(self, storage_key: str) -> int | None:
        with trace_call("get_size media", _NONE):
            return await self._files.get_size(storage_key)

    async def delete(self, storage_key: str) -> None:
        with trace_call("delete media", _NONE):
            await self._files.delete(storage_key)

    async def url_for(self, storage_key: str) -> MediaUrl:
        return await self._files.url_for(storage_key)

    @asynccontextmanager
    async def open_file(
        self, storage_key: str, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[StoredFile | None]:
        async with AsyncExitStack() as stack:
            with trace_call("open_file media", _NONE):
                opening = self._files.open_file(storage_key, start, stop)
                found = await stack.enter_async_context(opening)
            yield found


class TracedImagePublisher:
    """An image publisher whose images are spans, until they are encoded."""

    def __init__(self, publisher: ImagePublisher) -> None:
        """Trace the images of this publisher."""
        self._publisher = publisher

    @asynccontextmanager
    async def publish(
        self, upload: BinaryIO, identity_id: str, variants: Sequence[VariantSpec] = ()
    ) -> AsyncIterator[PublishedImage]:
        async with AsyncExitStack() as stack:
            with trace_call("publish image", _NONE):
                publishing = self._publisher.publish(upload, identity_id, variants)
                published = await stack.enter_async_context(publishing)
            yield published

    def encode_variants(
        self, published: BinaryIO, variants: Sequence[VariantSpec]
    ) -> AbstractAsyncContextManager[Mapping[str, EncodedImage]]:
        return self._publisher.encode_variants(published, variants)

"""The file of an item as the content of a response."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from application.media.open_file import OpenedFile
from entrypoints.http.streaming import Content


@asynccontextmanager
async def open_content(opening: AbstractAsyncContextManager[OpenedFile]) -> AsyncIterator[Content]:
    """Open the file of an item; raises what opening it raises."""
    async with opening as opened:
        media_type = opened.item.image.format.content_type
        yield Content(media_type, opened.file.size, opened.file.chunks)

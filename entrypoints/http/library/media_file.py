"""The file of an item as the content of a response."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from application.ports.media_files import StoredFile
from entrypoints.http.streaming import Content


@asynccontextmanager
async def open_content(
    opening: AbstractAsyncContextManager[StoredFile], media_type: str
) -> AsyncIterator[Content]:
    """Open the file of an item; raises what opening it raises."""
    async with opening as file:
        yield Content(media_type, file.size, file.chunks)

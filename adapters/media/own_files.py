"""The time limits of an operator's own media store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import BinaryIO, Final, TypeVar

from application.features.media.ports import MediaFiles, MediaUrl, StoredFile
from application.ports.errors import MediaStorageUnavailable

T = TypeVar("T")

WRITE_TIMEOUT: Final = 60.0
CALL_TIMEOUT: Final = 30.0
"""Seconds, as the port promises."""


class LimitedFiles:
    """Files of a store that may hang."""

    def __init__(self, files: MediaFiles) -> None:
        self._files = files
        if hasattr(files, "check"):
            self.check = files.check

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        async with _limit(WRITE_TIMEOUT):
            await self._files.write(storage_key, content, content_type)

    async def get_size(self, storage_key: str) -> int | None:
        async with _limit():
            return await self._files.get_size(storage_key)

    @asynccontextmanager
    async def open_file(
        self, storage_key: str, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[StoredFile | None]:
        async with AsyncExitStack() as stack:
            async with _limit():
                opening = self._files.open_file(storage_key, start, stop)
                file = await stack.enter_async_context(opening)
            yield StoredFile(file.size, _limit_each(file.chunks)) if file else None

    def list_files(self) -> AsyncIterator[str]:
        return _limit_each(self._files.list_files())

    async def delete(self, storage_key: str) -> None:
        async with _limit():
            await self._files.delete(storage_key)

    async def url_for(self, storage_key: str) -> MediaUrl:
        async with _limit():
            return await self._files.url_for(storage_key)

    async def delete_unfinished(self, before: datetime) -> int:
        async with _limit():
            return await self._files.delete_unfinished(before)


@asynccontextmanager
async def _limit(seconds: float = CALL_TIMEOUT) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise MediaStorageUnavailable(f"no answer within {seconds:g} seconds") from None


async def _limit_each(items: AsyncIterator[T]) -> AsyncIterator[T]:
    while True:
        try:
            async with _limit():
                item = await anext(items)
        except StopAsyncIteration:
            return
        yield item

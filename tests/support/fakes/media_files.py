from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import BinaryIO

from application.features.media.ports import MediaUrl, StoredFile
from application.ports.errors import MediaStorageUnavailable
from tests.support.fault_injector import FaultInjector

CHUNK_SIZE = 64 * 1024


class InMemoryFiles:
    """Media files in memory.

    Attributes:
        contents: The content of each file, by storage key.
        content_types: The content type of each file, by storage key.
        unfinished: When each unfinished write began.
        open_files: The number of files that are open for reading.
        expires_at: When the URLs expire.
        is_unavailable: Whether every operation fails.
        faults: Makes operations fail.
    """

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}
        self.unfinished: list[datetime] = []
        self.open_files = 0
        self.expires_at: datetime | None = None
        self.is_unavailable = False
        self.faults = FaultInjector()

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        await self._call("media_files.write")
        self.contents[storage_key] = b"".join(iter(lambda: content.read(CHUNK_SIZE), b""))
        self.content_types[storage_key] = content_type

    async def get_size(self, storage_key: str) -> int | None:
        await self._call("media_files.get_size")
        content = self.contents.get(storage_key)
        return None if content is None else len(content)

    @asynccontextmanager
    async def open_file(
        self, storage_key: str, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[StoredFile | None]:
        await self._call("media_files.open_file")
        content = self.contents.get(storage_key)
        if content is None:
            yield None
            return
        self.open_files += 1
        try:
            yield StoredFile(len(content[start:stop]), _chunks(content[start:stop]))
        finally:
            self.open_files -= 1

    async def list_files(self) -> AsyncIterator[str]:
        await self._call("media_files.list_files")
        for storage_key in [*self.contents]:
            yield storage_key

    async def delete(self, storage_key: str) -> None:
        await self._call("media_files.delete")
        self.contents.pop(storage_key, None)

    async def url_for(self, storage_key: str) -> MediaUrl:
        return MediaUrl(f"https://files.example/{storage_key}", self.expires_at)

    async def delete_unfinished(self, before: datetime) -> int:
        await self._call("media_files.delete_unfinished")
        expired = [began_at for began_at in self.unfinished if began_at < before]
        self.unfinished = [began_at for began_at in self.unfinished if began_at >= before]
        return len(expired)

    async def check(self) -> None:
        await self._call("media_files.check")

    async def _call(self, operation: str) -> None:
        if self.is_unavailable:
            raise MediaStorageUnavailable("unavailable")
        await self.faults.on_call(operation, MediaStorageUnavailable)


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK_SIZE):
        yield content[start : start + CHUNK_SIZE]

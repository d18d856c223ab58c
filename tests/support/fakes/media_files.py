from collections.abc import AsyncIterator
from datetime import datetime

from application.ports.errors import MediaStorageUnavailable
from application.ports.media_files import MediaUrl, StoredFile

CHUNK_SIZE = 64 * 1024


class InMemoryFiles:
    """Media files in memory.

    Attributes:
        kept: The content of each file, by storage key.
        unfinished: When each unfinished write began.
        broken: Whether every operation fails.
    """

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.unfinished: list[datetime] = []
        self.broken = False

    async def write(self, storage_key: str, content: bytes, content_type: str) -> None:
        self._reach()
        self.kept[storage_key] = bytes(content)

    async def open_file(self, storage_key: str) -> StoredFile | None:
        self._reach()
        content = self.kept.get(storage_key)
        return None if content is None else StoredFile(len(content), _chunks(content))

    async def delete(self, storage_key: str) -> None:
        self._reach()
        self.kept.pop(storage_key, None)

    async def url_for(self, storage_key: str) -> MediaUrl:
        return MediaUrl(f"https://files.example/{storage_key}")

    async def delete_unfinished(self, before: datetime) -> int:
        self._reach()
        remaining = [began_at for began_at in self.unfinished if began_at >= before]
        deleted = len(self.unfinished) - len(remaining)
        self.unfinished = remaining
        return deleted

    async def check(self) -> None:
        self._reach()

    def _reach(self) -> None:
        if self.broken:
            raise MediaStorageUnavailable("broken")


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK_SIZE):
        yield content[start : start + CHUNK_SIZE]

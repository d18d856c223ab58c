from collections.abc import AsyncIterator
from datetime import datetime

from application.ports.errors import MediaStorageUnavailable
from application.ports.media_files import MediaUrl, StoredFile

CHUNK = 64 * 1024


class InMemoryFiles:
    """Files in a dict, by key; `broken` is whether nothing can be reached."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.unfinished: list[datetime] = []
        self.broken = False

    async def store(self, key: str, content: bytes, content_type: str) -> None:
        self._reach()
        self.kept[key] = bytes(content)

    async def read(self, key: str) -> StoredFile | None:
        self._reach()
        content = self.kept.get(key)
        return None if content is None else StoredFile(len(content), _chunks(content))

    async def remove(self, key: str) -> None:
        self._reach()
        self.kept.pop(key, None)

    async def url(self, key: str) -> MediaUrl:
        return MediaUrl(f"https://files.example/{key}")

    async def discard_unfinished(self, before: datetime) -> int:
        self._reach()
        left = [begun for begun in self.unfinished if begun >= before]
        discarded = len(self.unfinished) - len(left)
        self.unfinished = left
        return discarded

    async def check(self) -> None:
        self._reach()

    def _reach(self) -> None:
        if self.broken:
            raise MediaStorageUnavailable("broken")


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), CHUNK):
        yield content[at : at + CHUNK]

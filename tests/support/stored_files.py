"""Reading of media files in tests."""

from application.media.open_file import OpenFile
from application.ports.media import MediaFiles


async def read_file(
    files: MediaFiles, storage_key: str, start: int = 0, stop: int | None = None
) -> bytes | None:
    """Return the content of a file, or a part of it; None if it does not exist."""
    async with files.open_file(storage_key, start, stop) as file:
        if file is None:
            return None
        content = b"".join([chunk async for chunk in file.chunks])
        assert len(content) == file.size
        return content


async def read_opened(open_file: OpenFile, storage_key: str) -> bytes:
    """Return the content of the file that the use case opens."""
    async with open_file(await open_file.find(storage_key)) as file:
        return b"".join([chunk async for chunk in file.chunks])

"""How a file is read back: piece by piece, at its reader's pace."""

import weakref
from typing import TYPE_CHECKING, Final

from adapters.s3.errors import STORE_ERRORS, at_run_time
from adapters.s3.folder import Folder
from application.ports.media_files import StoredFile

if TYPE_CHECKING:
    from aiobotocore.response import StreamingBody

CHUNK: Final = 64 * 1024


async def open_file(folder: Folder, name: str) -> StoredFile | None:
    """Open a file, or give None when there is none under this name."""
    try:
        found = await folder.client.get_object(Bucket=folder.bucket, Key=folder.key(name))
    except folder.client.exceptions.NoSuchKey:
        return None
    chunks = Chunks(found["Body"])
    return StoredFile(found["ContentLength"], chunks)


class Chunks:
    """The pieces of a file; its connection is given up as soon as this is dropped."""

    def __init__(self, body: "StreamingBody") -> None:
        self._body = body
        self._close = weakref.finalize(self, body.close)

    def __aiter__(self) -> "Chunks":
        return self

    async def __anext__(self) -> bytes:
        if not self._close.alive:
            raise StopAsyncIteration
        try:
            piece: bytes = await self._body.read(CHUNK)
        except STORE_ERRORS as error:
            await self.aclose()
            raise at_run_time(error) from None
        if not piece:
            await self.aclose()
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Stop before the end."""
        self._close()

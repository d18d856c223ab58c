"""Reading objects with a few connections, however many readers there are."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from adapters.s3.client import Bucket
from adapters.s3.errors import STORE_ERRORS, files_unavailable, translated_errors
from application.ports.errors import MediaStorageUnavailable

if TYPE_CHECKING:
    from aiobotocore.response import StreamingBody
    from types_aiobotocore_s3.type_defs import GetObjectRequestTypeDef

CHUNK_SIZE: Final = 64 * 1024
MIN_UNREAD_SECONDS: Final = 0.1
"""A reader that has taken no chunk for so long can lose its connection."""


class ReadConnections:
    """Counts the connections that all readers share.

    If none is free, the reader loses its connection that has left a chunk unread for the longest
    time. It gets another one when it goes on. To read whole objects ahead instead would cost their
    size in memory for each slow reader.
    """

    def __init__(self, count: int, timeout: float) -> None:
        """Share so many; wait so many seconds for one."""
        self._free = asyncio.Semaphore(count)
        self._timeout = timeout
        # Since when they wait for whoever reads their chunks, the longest first.
        self._unread: dict[ObjectReader, float] = {}

    async def acquire(self) -> None:
        """Take a connection.

        Raises:
            MediaStorageUnavailable: All are being used.
        """
        give_up_at = time.monotonic() + self._timeout
        while True:
            self._reclaim()
            try:
                async with asyncio.timeout(min(MIN_UNREAD_SECONDS, self._timeout)):
                    await self._free.acquire()
            except TimeoutError:
                if time.monotonic() >= give_up_at:
                    raise MediaStorageUnavailable("too many files are being read") from None
            else:
                return

    def release(self) -> None:
        """Return a connection."""
        self._free.release()

    def mark_unread(self, reader: "ObjectReader") -> None:
        """Note that the reader waits until its chunk is read."""
        self._unread[reader] = time.monotonic()

    def mark_read(self, reader: "ObjectReader") -> None:
        """Note that the reader uses its connection, or has none."""
        self._unread.pop(reader, None)

    def _reclaim(self) -> None:
        if self._free.locked() and self._unread:
            reader, since = next(iter(self._unread.items()))
            if time.monotonic() - since >= MIN_UNREAD_SECONDS:
                reader.disconnect()


class ObjectReader:
    """Reads one object, with one connection at most."""

    def __init__(
        self,
        bucket: Bucket,
        connections: ReadConnections,
        storage_key: str,
        timeout: float,
        start: int,
        stop: int | None,
    ) -> None:
        """Read nothing yet; each request may take so many seconds.

        Only the bytes from `start` to before `stop` are read, or to the end without `stop`.
        """
        self._bucket = bucket
        self._connections = connections
        self._storage_key = storage_key
        self._timeout = timeout
        self._body: StreamingBody | None = None
        self._offset = start
        self._stop = stop

    async def open(self) -> int | None:
        """Request the bytes, and return how many there are; None if there is no such object.

        Raises:
            MediaStorageUnavailable
        """
        response = await self._request()
        return None if response is None else response[0]

    async def read_chunks(self, size: int) -> AsyncIterator[bytes]:
        """Yield the bytes of an open object, so many as `open` has returned.

        Raises:
            MediaStorageUnavailable
        """
        stop = self._offset + size
        while self._offset < stop:
            body = self._body or await self._resume(stop)
            try:
                chunk = await body.read(CHUNK_SIZE)
            except STORE_ERRORS as error:
                raise files_unavailable(error) from None
            self._offset += len(chunk)
            if not chunk or self._offset == stop:
                self.disconnect()
            else:
                self._connections.mark_unread(self)
            if not chunk:
                return
            yield chunk
            self._connections.mark_read(self)

    def disconnect(self) -> None:
        """Close the connection, if there is one. `read_chunks` goes on with another one."""
        self._connections.mark_read(self)
        if self._body is not None:
            # The rest of the object is not read: the connection is closed, if any is left.
            self._body.close()
            self._body = None
            self._connections.release()

    async def _resume(self, stop: int) -> "StreamingBody":
        response = await self._request()
        # Some servers ignore the range.
        if response is None or response[0] != stop - self._offset:
            raise MediaStorageUnavailable("the rest of the file cannot be read")
        return response[1]

    async def _request(self) -> "tuple[int, StreamingBody] | None":
        client, start, stop = self._bucket.client, self._offset, self._stop
        request: GetObjectRequestTypeDef = {
            "Bucket": self._bucket.name,
            "Key": self._bucket.object_key(self._storage_key),
        }
        if start or stop is not None:
            request["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        await self._connections.acquire()
        try:
            async with translated_errors(self._timeout):
                with suppress(client.exceptions.NoSuchKey):
                    response = await client.get_object(**request)
                    self._body = response["Body"]
                    return response["ContentLength"], self._body
        finally:
            if self._body is None:
                self._connections.release()
        return None

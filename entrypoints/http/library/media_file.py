"""Responses with the file of an item, and the limit for how many are sent at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

import structlog
from litestar.types import Receive, Scope, Send

from application.media.open_file import FileInfo, OpenedFile
from domain.media.item import MediaItem
from entrypoints.http.errors.exceptions import TooManyReads

MAX_READS_PER_IP: Final = 16
"""A browser opens at most six connections to a host."""
SLOT_TIMEOUT_SECONDS: Final = 1.0
SEND_TIMEOUT_SECONDS: Final = 15.0
"""Maximum time for one chunk of 64 KiB. A slower client holds a file open for nothing."""

_log = structlog.get_logger()


class MediaReads:
    """Limits how many files a client reads at the same time, in this process.

    So one client cannot use up the connections to the media store that all readers share.
    """

    def __init__(self, limit: int = MAX_READS_PER_IP) -> None:
        """Allow each client this many reads at a time."""
        self._limit = limit
        # An entry exists as long as somebody reads or waits.
        self._slots: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def slot(self, client_ip: str) -> AsyncIterator[None]:
        """Hold one of the client's slots, after a short wait if there is none.

        Raises:
            TooManyReads
        """
        slots = self._slots.setdefault(client_ip, asyncio.Semaphore(self._limit))
        try:
            async with asyncio.timeout(SLOT_TIMEOUT_SECONDS):
                await slots.acquire()
        except TimeoutError:
            raise TooManyReads from None
        try:
            yield
        finally:
            slots.release()


@dataclass(frozen=True, slots=True)
class HeadResponse:
    """The response to HEAD. The file is not opened."""

    info: FileInfo
    headers: Mapping[str, str]

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Send the headers that GET has."""
        await _start(send, self.info.item, self.info.size, self.headers)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@dataclass(frozen=True, slots=True)
class MediaFileResponse:
    """The response to GET.

    The file is open as long as this response is being sent. It is closed at once at the end, when
    the client disconnects, when the client reads too slowly, and after an error.

    Attributes:
        open_file: Opens the file.
        slot: Is held while the file is open.
        headers: The headers that do not depend on the file.
    """

    open_file: Callable[[], AbstractAsyncContextManager[OpenedFile]]
    slot: AbstractAsyncContextManager[None]
    headers: Mapping[str, str]

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Open the file and send it; raises what `open_file` raises before anything is sent."""
        async with self.slot, self.open_file() as opened:
            await _start(send, opened.item, opened.file.size, self.headers)
            sending = asyncio.create_task(_send_chunks(opened.file.chunks, send))
            # The server does not report a disconnect to a sender: it drops what is sent.
            disconnect = asyncio.create_task(_wait_for_disconnect(receive))
            try:
                await asyncio.wait({sending, disconnect}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                is_sent = sending.done()
                sending.cancel()
                disconnect.cancel()
                await asyncio.gather(sending, disconnect, return_exceptions=True)
            if is_sent:
                sending.result()


async def _start(send: Send, item: MediaItem, size: int, headers: Mapping[str, str]) -> None:
    all_headers = {
        **headers,
        "Content-Type": item.image.format.content_type,
        "Content-Length": str(size),
    }
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (name.lower().encode(), value.encode()) for name, value in all_headers.items()
            ],
        }
    )


async def _send_chunks(chunks: AsyncIterator[bytes], send: Send) -> None:
    async for chunk in chunks:
        timeout = asyncio.timeout(SEND_TIMEOUT_SECONDS)
        try:
            async with timeout:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            if not timeout.expired():
                raise
            # The server closes the connection, because the response is incomplete.
            _log.warning("media_reader_stalled")
            return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

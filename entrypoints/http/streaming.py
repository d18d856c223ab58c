"""Responses with a file, and the limit for how many are sent at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

import structlog
from litestar.types import Receive, Scope, Send

from application.ports.errors import PortError
from entrypoints.http.errors.exceptions import TooManyReads

MAX_READS_PER_IP: Final = 16
"""A browser opens at most six connections to a host."""
SLOT_TIMEOUT_SECONDS: Final = 1.0
SEND_TIMEOUT_SECONDS: Final = 15.0
"""Maximum time for one chunk of 64 KiB. A slower client holds a file open for nothing."""

_log = structlog.get_logger()


class FileReads:
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
class Content:
    """An open file. `size` is in bytes, None if it is unknown."""

    media_type: str
    size: int | None
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class HeadResponse:
    """The response to HEAD if type and size of a file are known. It is not opened."""

    media_type: str
    size: int
    headers: Mapping[str, str]

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Send the headers that GET has."""
        await _start(send, self.media_type, self.size, self.headers)
        await _end(send)


@dataclass(frozen=True, slots=True)
class FileResponse:
    """The response with a file.

    The file is open as long as this response is being sent. It is closed at once at the end, when
    the client disconnects, when the client reads too slowly, and after an error.

    Attributes:
        open_file: Opens the file.
        slot: Is held while the file is open.
        headers: The headers that do not depend on the file.
        is_head: The response has no body. The file is opened for its headers.
    """

    open_file: Callable[[], AbstractAsyncContextManager[Content]]
    slot: AbstractAsyncContextManager[None]
    headers: Mapping[str, str]
    is_head: bool = False

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Open the file and send it; raises what `open_file` raises before anything is sent."""
        async with self.slot, self.open_file() as content:
            await _start(send, content.media_type, content.size, self.headers)
            if self.is_head:
                await _end(send)
                return
            sending = asyncio.create_task(_send_chunks(content.chunks, send))
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
                try:
                    sending.result()
                except PortError as error:
                    # The server closes the connection, because the response is incomplete.
                    _log.error("request_failed", error=type(error).__name__, reason=str(error))


async def _start(send: Send, media_type: str, size: int | None, headers: Mapping[str, str]) -> None:
    all_headers = {**headers, "Content-Type": media_type}
    if size is not None:
        all_headers["Content-Length"] = str(size)
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (name.lower().encode(), value.encode()) for name, value in all_headers.items()
            ],
        }
    )


async def _end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


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
    await _end(send)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

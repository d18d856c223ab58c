"""Responses with a file."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from application.limits.file_reads import FileRead
from application.ports.errors import PortError
from application.tasks import start_task

SEND_TIMEOUT_SECONDS: Final = 15.0
"""Maximum time for one chunk of 64 KiB. A slower client holds a file open for nothing."""
_STALLED: Final = "media_reader_stalled"
_log = structlog.get_logger()


class SentFile(Protocol):
    """A file that is open, to be sent."""

    @property
    def size(self) -> int | None:
        """Size in bytes; None if unknown."""

    @property
    def chunks(self) -> AsyncIterator[bytes]:
        """Its content."""


def size_header(file: SentFile) -> Mapping[str, str]:
    """Return the header with the size of a file, if it is known."""
    return {} if file.size is None else {"Content-Length": str(file.size)}


@dataclass(frozen=True, slots=True)
class FileResponse:
    """The response with a file. With `is_head`, the file is opened for the headers only.

    The file is open as long as this response is being sent. It is closed at once when all of it was
    sent, when the client disconnects, when it reads too slowly or loses its permit, and after an
    error. The client sees the end of the response after that: what closing the file records is true
    for its next request.
    """

    open_file: Callable[[], AbstractAsyncContextManager[SentFile]]
    permit: AbstractAsyncContextManager[FileRead]
    headers: Mapping[str, str]
    status: int = 200
    is_head: bool = False
    headers_of: Callable[[Any], Mapping[str, str]] = size_header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the file and send it; raises what `open_file` raises before anything is sent."""
        is_whole = False
        async with self.permit as read, self.open_file() as file:
            headers = {**self.headers, **self.headers_of(file)}
            # It has no default headers, whose values would be wrong.
            head = ASGIResponse(status_code=self.status, headers=headers, is_head_response=True)
            if self.is_head:
                await head(scope, receive, send)
                return
            await head.start_response(send)
            sending = start_task("send_file", _send_chunks(file.chunks, send, read))
            # The server does not report a disconnect to a sender: it drops what is sent.
            endings = [
                start_task("wait_for_disconnect", _wait_for_disconnect(receive)),
                start_task("wait_for_permit", read.is_ended.wait()),
            ]
            try:
                await asyncio.wait({sending, *endings}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                is_sent = sending.done()
                for task in (sending, *endings):
                    task.cancel()
                await asyncio.gather(sending, *endings, return_exceptions=True)
            if is_sent:
                try:
                    is_whole = sending.result()
                except PortError as error:
                    # The server closes the connection, because the response is incomplete.
                    _log.error("request_failed", error=type(error).__name__, reason=str(error))
            elif read.is_ended.is_set():
                _log.warning(_STALLED)
        if is_whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_chunks(chunks: AsyncIterator[bytes], send: Send, read: FileRead) -> bool:
    """Send all chunks, and return whether the client took them.

    The caller cancels it when the rest is not needed.

    No variable here may refer to the task, as `timeout = asyncio.timeout(…)` does: a cancelled task
    keeps its exception, and the exception keeps all variables. That would be a reference cycle,
    which keeps the last chunk until a garbage collection of older objects, and these are rare.
    """
    async for chunk in chunks:
        read.waits_since = time.monotonic()
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            # The file is closed; the server keeps the connection until the client reads or leaves.
            _log.warning(_STALLED)
            return False
        read.waits_since = math.inf
    return True


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""Responses with a file, and the limit for how many are sent at a time."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from application.ports.errors import PortError
from application.ports.media import StoredFile
from application.ports.voice import RecordingFile
from entrypoints.http.errors.exceptions import TooManyReads
from entrypoints.http.export.archive import MEDIA_TYPE
from entrypoints.http.limits import MAX_READS

MAX_READS_PER_IP: Final = 64
SLOT_TIMEOUT_SECONDS: Final = 2.0
STALL_SECONDS: Final = 1.0
"""A client that has not taken a chunk for so long loses its slot if another one needs it."""
SEND_TIMEOUT_SECONDS: Final = 15.0
"""Maximum time for one chunk of 64 KiB. A slower client holds a file open for nothing."""
_POLL_SECONDS: Final = 0.05

_STALLED: Final = "media_reader_stalled"
_log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class FileRead:
    """One file that is being sent.

    Attributes:
        client_ip: Who reads it.
        waits_since: Since when a chunk waits for the client, on the monotonic clock; infinite if
            none does.
        is_ended: Set when the client loses its slot.
    """

    client_ip: str
    waits_since: float = math.inf
    is_ended: asyncio.Event = field(default_factory=asyncio.Event)


class FileReads:
    """Limits how many files are read at the same time, of each client and in this process.

    At a limit, the client that has taken no chunk for the longest time loses its slot. So clients
    that stop reading keep nobody from reading, not even others behind the same IP.
    """

    def __init__(self, max_per_ip: int = MAX_READS_PER_IP, max_total: int = MAX_READS) -> None:
        """Allow this many reads at a time."""
        self._max_per_ip = max_per_ip
        self._max_total = max_total
        self._reads: set[FileRead] = set()

    @asynccontextmanager
    async def slot(self, client_ip: str) -> AsyncIterator[FileRead]:
        """Hold a slot, after a short wait if there is none.

        Raises:
            TooManyReads
        """
        give_up_at = time.monotonic() + SLOT_TIMEOUT_SECONDS
        while rivals := self._find_rivals(client_ip):
            now = time.monotonic()
            slowest = min(rivals, key=lambda read: read.waits_since)
            if now - slowest.waits_since >= STALL_SECONDS:
                self._reads.discard(slowest)
                slowest.is_ended.set()
            elif now >= give_up_at:
                raise TooManyReads
            else:
                await asyncio.sleep(_POLL_SECONDS)
        read = FileRead(client_ip)
        self._reads.add(read)
        try:
            yield read
        finally:
            self._reads.discard(read)

    def _find_rivals(self, client_ip: str) -> Sequence[FileRead]:
        """Return the reads of which one has to end before another can begin."""
        own = [read for read in self._reads if read.client_ip == client_ip]
        if len(own) >= self._max_per_ip:
            return own
        return [*self._reads] if len(self._reads) >= self._max_total else ()


@dataclass(frozen=True, slots=True)
class Archive:
    """A ZIP archive that is made while it is sent, so nobody knows its size.

    Attributes:
        name: Its file name.
        chunks: Its content. It ends with an error if it is not complete.
    """

    name: str
    chunks: AsyncIterator[bytes]


def archive_headers(name: str) -> dict[str, str]:
    """Return the headers of the response with an archive of this name."""
    return {"Content-Type": MEDIA_TYPE, "Content-Disposition": f'attachment; filename="{name}"'}


@dataclass(frozen=True, slots=True)
class FileResponse:
    """The response with a file.

    The file is open as long as this response is being sent. It is closed at once at the end, when
    the client disconnects, when it reads too slowly or loses its slot, and after an error.

    Attributes:
        open_file: Opens the file. A recording knows its media type, an archive also its name.
        slot: Is held while the file is open.
        headers: The headers that do not depend on the file.
        status: 200, or 206 for a part of the file.
        is_head: The response has no body. The file is opened for its headers.
    """

    open_file: Callable[[], AbstractAsyncContextManager[StoredFile | RecordingFile | Archive]]
    slot: AbstractAsyncContextManager[FileRead]
    headers: Mapping[str, str]
    status: int = 200
    is_head: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the file and send it; raises what `open_file` raises before anything is sent."""
        async with self.slot as read, self.open_file() as file:
            headers = {**self.headers, **_headers_of(file)}
            # It has no default headers, whose values would be wrong.
            head = ASGIResponse(status_code=self.status, headers=headers, is_head_response=True)
            if self.is_head:
                await head(scope, receive, send)
                return
            await head.start_response(send)
            sending = asyncio.create_task(_send_chunks(file.chunks, send, read))
            # The server does not report a disconnect to a sender: it drops what is sent.
            endings = [
                asyncio.create_task(_wait_for_disconnect(receive)),
                asyncio.create_task(read.is_ended.wait()),
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
                    sending.result()
                except PortError as error:
                    # The server closes the connection, because the response is incomplete.
                    _log.error("request_failed", error=type(error).__name__, reason=str(error))
            elif read.is_ended.is_set():
                _log.warning(_STALLED)


def _headers_of(file: StoredFile | RecordingFile | Archive) -> Mapping[str, str]:
    if isinstance(file, Archive):
        return archive_headers(file.name)
    headers = {"Content-Type": file.media_type} if isinstance(file, RecordingFile) else {}
    return headers if file.size is None else {**headers, "Content-Length": str(file.size)}


async def _send_chunks(chunks: AsyncIterator[bytes], send: Send, read: FileRead) -> None:
    """Send all chunks. Whoever runs this cancels it when nobody needs the rest.

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
            return
        read.waits_since = math.inf
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""The response with a file closes the file however it ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from application.limits import file_reads
from application.limits.file_reads import FileRead, FileReads
from application.ports.errors import MediaStorageUnavailable
from domain.errors import TooManyReads
from entrypoints.http.responses import streaming
from entrypoints.http.responses.streaming import FileResponse

HEADERS = {"Cache-Control": "private", "Content-Type": "image/jpeg"}
IP = "203.0.113.1"
CHUNKS = [b"one", b"two", b"three"]


@dataclass(frozen=True)
class OpenedFile:
    size: int
    chunks: AsyncIterator[bytes]


class OneFile:
    """A file that is opened once, and the response messages."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = chunks
        self.is_open = False
        self.sent: list[dict[str, Any]] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OpenedFile]:
        self.is_open = True
        try:
            yield OpenedFile(11, self.read())
        finally:
            self.is_open = False

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def read(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


async def never() -> dict[str, Any]:
    return await asyncio.Event().wait()  # type: ignore[return-value]  # it never returns


async def respond(file: OneFile, send: Callable[[Any], Awaitable[None]] | None = None) -> None:
    response = FileResponse(file.open, nullcontext(FileRead(IP)), HEADERS)
    await response({}, never, send or file.send)  # type: ignore[arg-type]  # it does not use the scope


async def test_the_file_is_closed_when_the_store_or_sending_fails() -> None:
    file, unsent = OneFile(b"one", MediaStorageUnavailable("lost")), OneFile(*CHUNKS)

    async def fail(message: dict[str, Any]) -> None:
        if message.get("body"):
            raise ConnectionResetError

    with capture_logs() as logs:
        await respond(file)
    with pytest.raises(ConnectionResetError):
        await respond(unsent, fail)

    assert file.sent[-1]["more_body"] is True  # the client sees that the file is incomplete
    assert [(log["event"], log["reason"]) for log in logs] == [("request_failed", "lost")]
    assert not file.is_open
    assert not unsent.is_open


@pytest.mark.parametrize("limits", [{"max_per_ip": 2}, {"max_total": 2}])
async def test_at_a_limit_who_waits_longest_loses_its_permit(
    monkeypatch: pytest.MonkeyPatch, limits: dict[str, int]
) -> None:
    monkeypatch.setattr(file_reads, "PERMIT_TIMEOUT_SECONDS", 0)
    reads, files = FileReads(time.monotonic, **limits), [OneFile(*CHUNKS) for _ in range(2)]
    are_sending = asyncio.Barrier(len(files) + 1)

    async def send(message: dict[str, Any]) -> None:
        if message.get("body"):
            await are_sending.wait()
            await never()

    async def read(file: OneFile) -> None:
        await FileResponse(file.open, reads.permit(IP), HEADERS)({}, never, send)  # type: ignore[arg-type]  # it does not use the scope

    responding = [asyncio.create_task(read(file)) for file in files]
    await are_sending.wait()
    with pytest.raises(TooManyReads):
        await reads.permit(IP).__aenter__()
    assert [file.is_open for file in files] == [True, True]

    monkeypatch.setattr(file_reads, "STALL_SECONDS", 0)
    async with reads.permit(IP):
        await responding[0]
        assert [file.is_open for file in files] == [False, True]

    responding[1].cancel()
    await asyncio.wait(responding)


@pytest.mark.parametrize("ending", ["disconnect", "lost permit", "time limit"])
async def test_the_file_is_closed_when_nobody_takes_a_chunk(
    monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    file, read, is_sending = OneFile(*CHUNKS), FileRead(IP), asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        file.sent.append(message)
        if message.get("body"):
            is_sending.set()
            await never()

    async def receive() -> dict[str, Any]:
        await is_sending.wait()
        if ending == "lost permit":
            read.is_ended.set()
        return {"type": "http.disconnect"} if ending == "disconnect" else await never()

    if ending == "time limit":
        monkeypatch.setattr(streaming, "SEND_TIMEOUT_SECONDS", 0)
    response = FileResponse(file.open, nullcontext(read), HEADERS)
    await response({}, receive, send)  # type: ignore[arg-type]  # it does not use the scope

    assert file.sent[-1]["more_body"] is True
    assert not file.is_open

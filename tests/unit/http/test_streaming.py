"""The response with a file closes the file however it ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
from structlog.testing import capture_logs

from application.ports.errors import MediaStorageUnavailable
from domain.errors import MediaFileNotFound
from entrypoints.http import streaming
from entrypoints.http.errors.exceptions import TooManyReads
from entrypoints.http.streaming import Content, FileReads, FileResponse, HeadResponse

HEADERS = {"Cache-Control": "private"}
CHUNKS = [b"one", b"two", b"three"]
Messages = list[dict[str, Any]]


class OneFile:
    """A file that is opened once."""

    def __init__(self, chunks: list[bytes | Exception]) -> None:
        self.chunks = chunks
        self.is_open = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Content]:
        self.is_open = True
        try:
            yield Content("image/jpeg", 11, self._read())
        finally:
            self.is_open = False

    async def _read(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


async def never() -> dict[str, Any]:
    return await asyncio.Event().wait()  # type: ignore[return-value]  # it never returns


async def respond(
    file: OneFile,
    send: Callable[[Any], Awaitable[None]],
    receive: Callable[[], Awaitable[Any]] = never,
) -> None:
    response = FileResponse(file.open, nullcontext(), HEADERS)
    await response({}, receive, send)  # type: ignore[arg-type]  # it does not use the scope


async def test_the_whole_file_is_sent_and_closed() -> None:
    file, sent = OneFile([*CHUNKS]), Messages()

    async def send(message: dict[str, Any]) -> None:
        assert file.is_open
        sent.append(message)

    await respond(file, send)

    assert sent[0]["status"] == 200
    assert dict(sent[0]["headers"]) == {
        b"cache-control": b"private",
        b"content-type": b"image/jpeg",
        b"content-length": b"11",
    }
    assert [message["body"] for message in sent[1:]] == [*CHUNKS, b""]
    assert [message["more_body"] for message in sent[1:]] == [True, True, True, False]
    assert not file.is_open


async def test_nothing_more_is_read_after_the_client_has_disconnected() -> None:
    file, sent = OneFile([*CHUNKS]), Messages()
    has_left = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message.get("body") == b"one":
            has_left.set()
            await never()

    async def receive() -> dict[str, Any]:
        await has_left.wait()
        return {"type": "http.disconnect"}

    await respond(file, send, receive)

    assert [message.get("body") for message in sent] == [None, b"one"]
    assert not file.is_open


@pytest.mark.parametrize("error", [ConnectionResetError, TimeoutError])
async def test_the_file_is_closed_when_sending_fails(error: type[Exception]) -> None:
    file = OneFile([*CHUNKS])

    async def send(message: dict[str, Any]) -> None:
        if message.get("body"):
            raise error

    with pytest.raises(error):
        await respond(file, send)

    assert not file.is_open


async def test_the_file_is_closed_when_the_store_fails_in_the_middle() -> None:
    file, sent = OneFile([b"one", MediaStorageUnavailable("lost")]), Messages()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with pytest.raises(MediaStorageUnavailable):
        await respond(file, send)

    assert sent[-1]["more_body"] is True  # the client sees that the file is incomplete
    assert not file.is_open


async def test_the_file_is_closed_when_the_request_is_cancelled() -> None:
    file, is_sending = OneFile([*CHUNKS]), asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        if message.get("body"):
            is_sending.set()
            await never()

    responding = asyncio.create_task(respond(file, send))
    await is_sending.wait()
    assert file.is_open
    responding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await responding

    assert not file.is_open


async def test_a_client_that_stops_reading_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "SEND_TIMEOUT_SECONDS", 0.01)
    file = OneFile([*CHUNKS])

    async def send(message: dict[str, Any]) -> None:
        if message.get("body"):
            await never()

    with capture_logs() as logs:
        await respond(file, send)

    assert not file.is_open
    assert [log["event"] for log in logs] == ["media_reader_stalled"]


async def test_an_error_before_the_file_is_open_sends_nothing() -> None:
    class Missing(OneFile):
        async def __aenter__(self) -> Content:
            raise MediaFileNotFound

        async def __aexit__(self, *_: object) -> None:
            """Never called."""

    sent = Messages()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    response = FileResponse(lambda: Missing([]), nullcontext(), HEADERS)
    with pytest.raises(MediaFileNotFound):
        await response({}, never, send)  # type: ignore[arg-type]  # it does not use the scope

    assert sent == []


async def test_head_has_the_headers_of_get() -> None:
    sent: dict[str, Messages] = {"get": [], "head": []}

    async def send_get(message: Any) -> None:
        sent["get"].append(message)

    async def send_head(message: Any) -> None:
        sent["head"].append(message)

    await respond(OneFile([*CHUNKS]), send_get)
    response = HeadResponse("image/jpeg", 11, HEADERS)
    await response({}, never, send_head)  # type: ignore[arg-type]  # it does not use the scope

    assert sent["head"][0] == sent["get"][0]
    assert sent["head"][1:] == [{"type": "http.response.body", "body": b"", "more_body": False}]


async def test_head_of_a_file_that_must_be_opened_reads_nothing() -> None:
    file, sent = OneFile([AssertionError("read")]), Messages()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    response = FileResponse(file.open, nullcontext(), HEADERS, is_head=True)
    await response({}, never, send)  # type: ignore[arg-type]  # it does not use the scope

    assert [message.get("body") for message in sent] == [None, b""]
    assert not file.is_open


async def test_a_client_that_reads_too_much_does_not_delay_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "SLOT_TIMEOUT_SECONDS", 0)
    reads = FileReads(limit=2)

    async with reads.slot("203.0.113.1"):
        async with reads.slot("203.0.113.1"):
            with pytest.raises(TooManyReads):
                await reads.slot("203.0.113.1").__aenter__()
            async with reads.slot("203.0.113.2"):
                pass
        async with reads.slot("203.0.113.1"):
            pass

"""Request bodies that arrive slowly or are not read, and large responses."""

import asyncio
import gc
import weakref
from typing import Any

import pytest

from entrypoints.http.errors.exceptions import RequestTimeout
from entrypoints.http.requests import deadlines
from entrypoints.http.requests.deadlines import MIN_BYTES, DeadlineMiddleware, TransferDeadline
from tests.support.asgi import http_scope


class Connection:
    """The server's side of one request, and the response messages."""

    def __init__(self, chunk: bytes = b"", chunks: int = 0, *, stalls: bool = False) -> None:
        self.chunk, self.chunks_left = chunk, chunks
        self.stalls = stalls
        self.bytes_read = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self.stalls:
            await asyncio.Event().wait()
        self.chunks_left -= 1
        self.bytes_read += len(self.chunk)
        return {"type": "http.request", "body": self.chunk, "more_body": self.chunks_left > 0}

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])


def a_scope(**headers: str) -> dict[str, Any]:
    named = ((name.replace("_", "-"), value) for name, value in headers.items())
    return http_scope(*named, method="POST")


async def reject(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def handle(app: Any, connection: Connection, scope: Any) -> None:
    middleware = DeadlineMiddleware(app)
    await middleware(scope, connection.receive, connection.send)


@pytest.mark.parametrize(
    ("transfers", "seconds_left"),
    [
        ([], 10),
        ([(0, 4), (0, 6)], 0),
        ([(0, 9), (1, 0)], 10),
        ([(MIN_BYTES - 1, 29)], 1),
        ([(MIN_BYTES, 29)], 10),
        ([(MIN_BYTES // 2, 14), (MIN_BYTES // 2, 14), (1, 5)], 10),
        # Bytes beyond the least rate are no credit for later.
        ([(1_000_000, 1), *[(1, 5)] * 6], 0),
    ],
)
def test_a_transfer_needs_a_byte_in_time_and_a_least_rate(
    transfers: list[tuple[int, float]], seconds_left: float
) -> None:
    deadline = TransferDeadline()
    for size, seconds in transfers:
        deadline.record(size, seconds)
    assert deadline.seconds_left == seconds_left


async def test_a_body_that_stops_is_a_timeout_and_the_connection_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deadlines, "IDLE_SECONDS", 0)
    errors = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(2):
            with pytest.raises(RequestTimeout) as error:
                await receive()
            errors.append(error)
        await send({"type": "http.response.start", "status": 408, "headers": []})

    connection = Connection(stalls=True)
    await handle(app, connection, a_scope(content_length="5"))
    assert len(errors) == 2
    assert connection.headers[b"connection"] == b"close"


async def test_an_exception_that_outlives_the_request_does_not_hold_the_connection() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            raise ValueError
        except ValueError as error:
            held = error  # it and this frame refer to each other
        await reject(scope, receive, send)
        assert held.__traceback__

    connection = Connection(stalls=True)
    is_held = weakref.ref(connection)
    gc.disable()
    try:
        await handle(app, connection, a_scope(content_length="5", expect="100-continue"))
        del connection
        assert is_held() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("connection", "headers", "bytes_read", "closes"),
    [
        (Connection(b"x" * 9, chunks=50), {"content_length": "450"}, 450, False),
        # What the client sends too slowly or without an end is not waited for.
        (Connection(stalls=True), {"content_length": "5"}, 0, True),
        (
            Connection(b"x" * 100, chunks=1_000_000),
            {"transfer_encoding": "chunked"}, 1_000, True,
        ),
        # What it has not sent yet is not asked for.
        (
            Connection(b"x", chunks=1),
            {"content_length": "1", "expect": "100-continue"}, 0, True,
        ),
        (Connection(), {}, 0, False),
    ],
)  # fmt: skip
async def test_an_unread_body_is_read_before_the_response_as_far_as_it_is_there(
    connection: Connection,
    headers: dict[str, str],
    bytes_read: int,
    *,
    closes: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deadlines, "DRAIN_IDLE_SECONDS", 0)
    monkeypatch.setattr(deadlines, "MAX_DRAINED_BYTES", 1_000)
    await handle(reject, connection, a_scope(**headers))

    assert connection.bytes_read == bytes_read
    assert connection.sent[0]["status"] == 413
    assert (b"connection" in connection.headers) == closes


@pytest.mark.parametrize(
    ("size", "more_body", "sizes"),
    [
        # A whole body that is small is sent at once, and a part of a stream in small chunks.
        (64 * 1024, False, [64 * 1024]),
        (64 * 1024, True, [16 * 1024] * 4),
        (64 * 1024 + 1, False, [*[16 * 1024] * 4, 1]),
        (0, False, [0]),
    ],
)
async def test_large_bodies_and_streams_are_sent_in_small_chunks(
    size: int, sizes: list[int], *, more_body: bool
) -> None:
    async def respond(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.body", "body": bytes(size), "more_body": more_body})

    connection = Connection()
    await handle(respond, connection, a_scope())

    assert [len(message["body"]) for message in connection.sent] == sizes
    are_parts = [message["more_body"] for message in connection.sent]
    assert are_parts == [*[True] * (len(sizes) - 1), more_body]

"""Request bodies that arrive slowly or are not read, and large responses."""

import asyncio
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

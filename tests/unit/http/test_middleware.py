"""The outermost layer: unread bodies, HEAD and default headers."""

from typing import Any

from entrypoints.http.middleware import MAX_DRAINED_BYTES, RequestContextMiddleware


class Connection:
    """The server's side of one request, and the response messages."""

    def __init__(self, chunk: bytes = b"", chunks: int = 0) -> None:
        self.chunk, self.chunks_left = chunk, chunks
        self.bytes_read = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        self.chunks_left -= 1
        self.bytes_read += len(self.chunk)
        return {"type": "http.request", "body": self.chunk, "more_body": self.chunks_left > 0}

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))


async def reject(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def a_scope(method: str = "POST", **headers: str) -> dict[str, Any]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": "/", "headers": raw}


async def test_an_unread_body_is_read_to_its_end_before_the_response() -> None:
    connection = Connection(b"x" * 1000, chunks=50)
    scope = a_scope(content_length="50000")
    await RequestContextMiddleware(reject)(scope, connection.receive, connection.send)
    assert connection.bytes_read == 50_000
    assert connection.sent[0]["status"] == 413


async def test_reading_an_unread_body_has_a_limit() -> None:
    connection = Connection(b"x" * (MAX_DRAINED_BYTES // 4), chunks=1_000_000)
    scope = a_scope(transfer_encoding="chunked")
    await RequestContextMiddleware(reject)(scope, connection.receive, connection.send)
    assert connection.bytes_read <= MAX_DRAINED_BYTES + len(connection.chunk)


async def test_a_body_after_expect_100_continue_is_not_read() -> None:
    connection = Connection(b"x", chunks=1)
    scope = a_scope(content_length="1", expect="100-continue")
    await RequestContextMiddleware(reject)(scope, connection.receive, connection.send)
    assert connection.bytes_read == 0


async def test_a_request_without_a_body_is_not_read() -> None:
    connection = Connection()
    await RequestContextMiddleware(reject)(a_scope("GET"), connection.receive, connection.send)
    assert connection.chunks_left == 0


async def test_head_is_handled_as_get_and_its_body_is_removed() -> None:
    methods: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        methods.append(scope["method"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    connection = Connection()
    await RequestContextMiddleware(app)(a_scope("HEAD"), connection.receive, connection.send)
    assert methods == ["GET"]
    assert b"".join(message.get("body", b"") for message in connection.sent) == b""


async def test_a_default_header_does_not_replace_a_header_of_the_response() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"cache-control", b"public")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    connection = Connection()
    await RequestContextMiddleware(app)(a_scope("GET"), connection.receive, connection.send)
    headers = connection.sent[0]["headers"]
    assert [value for name, value in headers if name == b"cache-control"] == [b"public"]
    assert [name for name, _ in headers].count(b"x-request-id") == 1

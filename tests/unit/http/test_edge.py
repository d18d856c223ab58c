"""What the outer layer does with a body that nobody read."""

from typing import Any

from entrypoints.http.edge import DRAINED_BYTES, Edge


class Wire:
    """The server's side of one request, and what was answered."""

    def __init__(self, chunk: bytes = b"", chunks: int = 0) -> None:
        self.chunk, self.left = chunk, chunks
        self.read = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        self.left -= 1
        self.read += len(self.chunk)
        return {"type": "http.request", "body": self.chunk, "more_body": self.left > 0}

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def a_scope(method: str = "POST", **headers: str) -> dict[str, Any]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": "/", "headers": raw}


async def test_a_refused_body_is_read_to_its_end_before_the_answer() -> None:
    build_use_cases = Wire(b"x" * 1000, chunks=50)
    await Edge(refuse)(
        a_scope(content_length="50000"), build_use_cases.receive, build_use_cases.send
    )
    assert build_use_cases.read == 50_000
    assert build_use_cases.sent[0]["status"] == 413


async def test_reading_on_has_an_end() -> None:
    build_use_cases = Wire(b"x" * (DRAINED_BYTES // 4), chunks=1_000_000)
    await Edge(refuse)(
        a_scope(transfer_encoding="chunked"), build_use_cases.receive, build_use_cases.send
    )
    assert build_use_cases.read <= DRAINED_BYTES + len(build_use_cases.chunk)


async def test_who_waits_for_leave_to_send_is_not_given_it() -> None:
    build_use_cases = Wire(b"x", chunks=1)
    scope = a_scope(content_length="1", expect="100-continue")
    await Edge(refuse)(scope, build_use_cases.receive, build_use_cases.send)
    assert build_use_cases.read == 0


async def test_a_request_without_a_body_is_not_waited_for() -> None:
    build_use_cases = Wire()
    await Edge(refuse)(a_scope("GET"), build_use_cases.receive, build_use_cases.send)
    assert build_use_cases.left == 0


async def test_head_is_answered_as_get_without_the_body() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["method"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    build_use_cases = Wire()
    await Edge(app)(a_scope("HEAD"), build_use_cases.receive, build_use_cases.send)
    assert seen == ["GET"]
    assert b"".join(one.get("body", b"") for one in build_use_cases.sent) == b""


async def test_a_header_that_the_answer_has_is_left_as_it_is() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"cache-control", b"public")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    build_use_cases = Wire()
    await Edge(app)(a_scope("GET"), build_use_cases.receive, build_use_cases.send)
    headers = build_use_cases.sent[0]["headers"]
    assert [value for name, value in headers if name == b"cache-control"] == [b"public"]
    assert [name for name, _ in headers].count(b"x-request-id") == 1

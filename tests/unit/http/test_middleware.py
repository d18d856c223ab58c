"""The outermost layer: default headers."""

from typing import Any

from entrypoints.http.middleware import RequestContextMiddleware


class Connection:
    """The server's side of one request without a body, and the response messages."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))


def a_scope(method: str) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": "/", "headers": []}


async def respond(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"cache-control", b"public")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def test_a_default_header_does_not_replace_a_header_of_the_response() -> None:
    connection = Connection()
    await RequestContextMiddleware(respond)(a_scope("GET"), connection.receive, connection.send)
    headers = connection.sent[0]["headers"]
    assert [value for name, value in headers if name == b"cache-control"] == [b"public"]
    assert [name for name, _ in headers].count(b"x-request-id") == 1


async def test_while_the_service_stops_each_response_closes_its_connection() -> None:
    states = iter([False, True])
    middleware = RequestContextMiddleware(respond, is_stopping=lambda: next(states))
    for expected in ([], [b"close"]):
        connection = Connection()
        await middleware(a_scope("GET"), connection.receive, connection.send)
        headers = connection.sent[0]["headers"]
        assert [value for name, value in headers if name == b"connection"] == expected

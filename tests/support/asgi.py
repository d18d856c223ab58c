"""Requests to an ASGI app or middleware without a server."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AsgiResponse:
    """The messages of a response."""

    messages: list[dict[str, Any]]

    @property
    def status(self) -> int:
        """The status code."""
        status: int = self.messages[0]["status"]
        return status

    @property
    def body(self) -> bytes:
        """The body of a response in one message."""
        body: bytes = self.messages[1]["body"]
        return body

    def values(self, name: str) -> list[str]:
        """Return the values of a header."""
        headers = self.messages[0]["headers"]
        return [value.decode() for key, value in headers if key == name.encode()]


def http_scope(
    *headers: tuple[str, str],
    method: str = "GET",
    path: str = "/",
    peer: str = "203.0.113.7",
    http_version: str = "1.1",
) -> dict[str, Any]:
    """Return the scope of a request from this IP."""
    return {
        "type": "http",
        "http_version": http_version,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "client": (peer, 1),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }


async def ok(scope: Any, receive: Any, send: Any) -> None:
    """Respond to any request."""
    headers = [(b"cache-control", b"public")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def request(app: Any, scope: dict[str, Any]) -> AsgiResponse:
    """Send a request without a body and return the response."""
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(dict(message))

    await app(scope, receive, send)
    return AsgiResponse(messages)

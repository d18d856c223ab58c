"""Responses of handlers that return a value."""

from typing import Any, Final

import msgspec
from litestar import Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

_encode: Final = msgspec.json.Encoder().encode
_JSON: Final = "application/json"


class JsonResponse(Response[Any]):
    """Sends a value as JSON.

    The framework's own response costs a third of a small request: it merges headers, cookies and
    encoders, which no handler that returns a value has.
    """

    def __init__(
        self, content: Any, *, status_code: int, media_type: str = _JSON, **_: Any
    ) -> None:
        """Take what a handler returned; None is no body, and bytes are sent as they are."""
        self.content = content
        self.status_code = status_code
        self.media_type = media_type

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """Return what sends the response."""
        match self.content:
            case None:
                body = b""
            case bytes():
                body = self.content
            case _:
                body = _encode(self.content)
        return _BodyResponse(body, self.status_code or 200, self.media_type or _JSON)


class _BodyResponse(ASGIResponse):
    __slots__ = ("_media_type",)

    def __init__(self, body: bytes, status_code: int, media_type: str) -> None:
        self.body = body
        self.status_code = status_code
        self._media_type = media_type.encode()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send start and body."""
        headers = (
            [(b"content-length", b"%d" % len(self.body)), (b"content-type", self._media_type)]
            if self.body
            else []
        )
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})

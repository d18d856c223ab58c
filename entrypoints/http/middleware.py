"""The outermost ASGI layer."""

import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeAlias

import structlog

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

_REQUEST_ID_BYTES: Final = 16
_CLIENT_CLOSED_REQUEST: Final = 499
_DEFAULT_HEADERS: Final = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}

_log = structlog.get_logger()


class RequestContextMiddleware:
    """Gives each request an id, a log line and default headers; answers HEAD like GET.

    A default header does not replace a header of the response.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(_REQUEST_ID_BYTES)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        method: str = scope["method"]
        if method == "HEAD":
            scope["method"] = "GET"
        exchange = _Exchange(send, request_id, is_head=method == "HEAD")
        started = time.perf_counter()
        await self._app(scope, receive, exchange.send)
        _log.info(
            "http_request",
            method=method,
            # The template, not the path: clients put anything into a path.
            path=scope.get("path_template") or "-",
            status=exchange.status,
            duration_ms=round((time.perf_counter() - started) * 1000, 1),
        )


class _Exchange:
    """One request and its response."""

    def __init__(self, send: Send, request_id: str, *, is_head: bool) -> None:
        self._send = send
        self._request_id = request_id
        self._is_head = is_head
        self.status = _CLIENT_CLOSED_REQUEST

    async def send(self, message: Message) -> None:
        """Send an ASGI message, with the headers added and a body for HEAD removed."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._add_headers(message["headers"])
        elif self._is_head and message["type"] == "http.response.body":
            if message.get("more_body", False):
                return
            message["body"] = b""
        await self._send(message)

    def _add_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        added = [(bytes(name).lower(), bytes(value)) for name, value in headers]
        names = {name for name, _ in added}
        added += [(name, value) for name, value in _DEFAULT_HEADERS.items() if name not in names]
        added.append((b"x-request-id", self._request_id.encode()))
        return added

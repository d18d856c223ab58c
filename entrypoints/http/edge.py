"""The layer that every request and every answer passes, whoever gives it."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeAlias

import structlog

from entrypoints.http.refusals import BodyUnreadable

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

DRAINED_BYTES: Final = 256 * 1024 * 1024
DRAINED_SECONDS: Final = 10.0
"""How much of a refused body is read on, so that its sender gets to read the refusal."""
_REQUEST_ID_BYTES: Final = 16
_DISCONNECTED: Final = 499
_SECURITY_HEADERS: Final = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}

_log = structlog.get_logger()


class Edge:
    """Gives each request its id, its log line and its headers; answers HEAD as GET.

    A header that the answer has already is left as it is.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(_REQUEST_ID_BYTES)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        method: str = scope["method"]
        if method == "HEAD":
            scope["method"] = "GET"
        exchange = _Exchange(scope, receive, send, request_id, is_head=method == "HEAD")
        started = time.perf_counter()
        await self._app(scope, exchange.receive, exchange.send)
        _log.info(
            "http_request",
            method=method,
            # The template, not the path: people put anything into a path.
            path=scope.get("path_template") or "-",
            status=exchange.status,
            duration_ms=round((time.perf_counter() - started) * 1000, 1),
        )


class _Exchange:
    """One request and its answer on their way through."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, request_id: str, *, is_head: bool
    ) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        self._receive = receive
        self._send = send
        self._request_id = request_id
        self._is_head = is_head
        self._has_body = b"content-length" in headers or b"transfer-encoding" in headers
        self._waits_for_leave = b"100-continue" in headers.get(b"expect", b"").lower()
        self.status = _DISCONNECTED

    async def receive(self) -> Message:
        """Give what comes of the body.

        Raises:
            BodyUnreadable: it broke off, whether its sender is still there or not.
        """
        message = await self._receive()
        self._waits_for_leave = False
        broke_off = self._has_body and message["type"] == "http.disconnect"
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._has_body = False
        if broke_off:
            raise BodyUnreadable("The body broke off before its end.")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._drain()
            self.status = message["status"]
            message["headers"] = self._completed(message["headers"])
        elif self._is_head and message["type"] == "http.response.body":
            if message.get("more_body", False):
                return
            message["body"] = b""
        await self._send(message)

    async def _drain(self) -> None:
        # Who waits for leave to send a body has not begun, and reads the answer first.
        if self._waits_for_leave:
            return
        left = DRAINED_BYTES
        try:
            async with asyncio.timeout(DRAINED_SECONDS):
                while self._has_body and left > 0:
                    message = await self.receive()
                    left -= len(message.get("body", b""))
        except (TimeoutError, BodyUnreadable):
            return

    def _completed(self, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        headers = [(bytes(name).lower(), bytes(value)) for name, value in given]
        names = {name for name, _ in headers}
        headers += [(name, value) for name, value in _SECURITY_HEADERS.items() if name not in names]
        headers.append((b"x-request-id", self._request_id.encode()))
        return headers

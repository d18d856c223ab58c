"""Deadlines for request bodies."""

import asyncio
import random
import time
from collections.abc import Awaitable
from typing import Final

from application.ports.current_request import CURRENT_REQUEST
from entrypoints.http.errors.exceptions import InvalidBody, RequestTimeout
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.requests.headers import headers_of
from entrypoints.http.requests.middleware import (
    AsgiApp,
    AsgiMessage,
    AsgiReceive,
    AsgiScope,
    AsgiSend,
)

_MAX_CHUNK_BYTES: Final = 16 * 1024
"""The server copies what it gets, and has up to ten chunks for each client that reads slowly."""
_MAX_UNDIVIDED_BYTES: Final = 64 * 1024
"""A whole body of this size is sent at once, which is faster."""


def in_chunks(send: AsgiSend) -> AsgiSend:
    """Return a function that sends large bodies in chunks: the server has only a part in memory."""

    # No coroutine of its own: two messages of each response pass here.
    def send_in_chunks(message: AsgiMessage) -> Awaitable[None]:
        is_part = message.get("more_body", False)
        maximum = _MAX_CHUNK_BYTES if is_part else _MAX_UNDIVIDED_BYTES
        is_small = len(message.get("body", b"")) <= maximum
        return send(message) if is_small else _send_divided(send, message)

    return send_in_chunks


async def _send_divided(send: AsgiSend, message: AsgiMessage) -> None:
    content = message["body"]
    for start in range(0, len(content), _MAX_CHUNK_BYTES):
        end = start + _MAX_CHUNK_BYTES
        chunk = bytes(content[start:end])
        more_body = end < len(content) or message.get("more_body", False)
        await send({"type": message["type"], "body": chunk, "more_body": more_body})


MAX_DRAINED_BYTES: Final = 256 * 1024 * 1024
DRAIN_TIMEOUT_SECONDS: Final = 10.0
DRAIN_IDLE_SECONDS: Final = 2.0
"""Before an early response, the rest of the body is read: otherwise many clients see a broken
connection instead of the response. A client that sends nothing for a while may wait for it."""
_MAX_SLACK: Final = 1.5
"""Deadlines of bodies that began together end within this factor of each other: thousands of error
responses in one moment would keep the event loop from everything else."""
IDLE_SECONDS: Final = 10.0
"""The maximum time of a body without a byte."""
PERIOD_SECONDS: Final = 30.0
MIN_BYTES: Final = 120 * 1024
"""This many bytes must arrive within the period, again and again: at least 4 KiB/s. A smaller body
must be complete within it. All JSON bodies are smaller, so they have 30 s in all."""


class TransferDeadline:
    """The time that a transfer has left. Only time spent waiting for the client counts."""

    __slots__ = ("_bytes", "_elapsed", "_idle")

    def __init__(self) -> None:
        self._idle = 0.0
        self._elapsed = 0.0
        self._bytes = 0

    @property
    def seconds_left(self) -> float:
        return min(IDLE_SECONDS - self._idle, PERIOD_SECONDS - self._elapsed)

    def record(self, size: int, seconds: float) -> None:
        self._idle = 0.0 if size else self._idle + seconds
        self._elapsed += seconds
        self._bytes += size
        if self._bytes >= MIN_BYTES:
            self._elapsed, self._bytes = 0.0, 0


class DeadlineMiddleware:
    """Ends requests whose body arrives too slowly, and reads the rest of unread bodies.

    Responses have no deadline: the server would not close a connection whose client reads nothing.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    # No coroutine of its own, except for bodies: each request passes here.
    def __call__(self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        send = in_chunks(send)
        headers = headers_of(scope)
        if b"content-length" in headers or b"transfer-encoding" in headers:
            expects_continue = b"100-continue" in headers.get(b"expect", [b""])[-1].lower()
            return self._handle_body(
                scope, RequestBody(receive, send, expects_continue=expects_continue)
            )
        return self._app(scope, receive, send)

    async def _handle_body(self, scope: AsgiScope, body: "RequestBody") -> None:
        try:
            await self._app(scope, body.receive, body.send)
        finally:
            body.release()


class RequestBody:
    """The body of one request, on its way from the client."""

    def __init__(self, receive: AsgiReceive, send: AsgiSend, *, expects_continue: bool) -> None:
        self._receive = receive
        self._send = send
        self._deadline = TransferDeadline()
        self._expects_continue = expects_continue
        self._slack = random.uniform(1, _MAX_SLACK)  # noqa: S311 - no secret
        self._is_complete = False
        self._is_late = False

    async def receive(self) -> AsgiMessage:
        """Receive the next ASGI message.

        Raises:
            InvalidBody: The body ended too early, whether the client is still connected or not.
            RequestTimeout: The body arrives too slowly.
        """
        if self._is_late:
            raise RequestTimeout
        if self._is_complete:
            return await self._receive()
        message = await self._receive_in_time()
        self._expects_continue = False
        self._is_complete = not message.get("more_body", False)
        if self._is_complete and (request := CURRENT_REQUEST.get()):
            request.received_at = asyncio.get_running_loop().time()
        if message["type"] == "http.disconnect":
            raise InvalidBody(FieldErrorCode.INCOMPLETE_BODY, "The body ended too early.")
        return message

    def send(self, message: AsgiMessage) -> Awaitable[None]:
        """Send an ASGI message, after the rest of the body has been read."""
        is_early = not self._is_complete and message["type"] == "http.response.start"
        return self._send_early(message) if is_early else self._send(message)

    def release(self) -> None:
        """Let go of the connection, after the request has been handled.

        The server closes the connection of an unread body only when nothing refers to that body any
        more. An exception and its frames refer to each other until a garbage collection, which may
        come minutes later.
        """
        self._receive, self._send = _receive_disconnect, _send_nothing

    async def _send_early(self, message: AsgiMessage) -> None:
        await self._drain()
        if not self._is_complete:
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await self._send(message)

    async def _receive_in_time(self) -> AsgiMessage:
        began_at = time.monotonic()
        timeout = asyncio.timeout(self._deadline.seconds_left * self._slack)
        try:
            async with timeout:
                message = await self._receive()
        except TimeoutError:
            if not timeout.expired():
                raise
            self._is_late = True
            raise RequestTimeout from None
        if message.get("more_body", False):
            self._deadline.record(len(message.get("body", b"")), time.monotonic() - began_at)
        return message

    async def _drain(self) -> None:
        # A client that waits for "100 Continue" has not sent its body and reads the response.
        if self._expects_continue:
            return
        remaining = MAX_DRAINED_BYTES
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
                while not self._is_complete and remaining > 0:
                    async with asyncio.timeout(DRAIN_IDLE_SECONDS):
                        message = await self.receive()
                    remaining -= len(message.get("body", b""))
        except (TimeoutError, InvalidBody, RequestTimeout):
            return


async def _receive_disconnect() -> AsgiMessage:
    return {"type": "http.disconnect"}


async def _send_nothing(message: AsgiMessage) -> None:
    """Send a message to a client that is not there any more, which ASGI allows."""

"""Deadlines for request bodies, and which requests are open."""

import asyncio
import time
from collections.abc import Awaitable, MutableMapping
from typing import Any, Final, TypeAlias

from domain.values import dataclass
from entrypoints.http.client import headers_of
from entrypoints.http.errors.exceptions import InvalidBody, RequestTimeout
from entrypoints.http.errors.field_codes import FieldErrorCode

Client: TypeAlias = tuple[str, str]
"""IP and port of the other end of a connection; the server passes both as text."""

MAX_DRAINED_BYTES: Final = 256 * 1024 * 1024
DRAIN_TIMEOUT_SECONDS: Final = 10.0
DRAIN_IDLE_SECONDS: Final = 2.0
"""Before an early response, the rest of the body is read: otherwise many clients see a broken
connection instead of the response. A client that sends nothing for a while may wait for it."""
_TIMER_SECONDS: Final = 0.25
_MAX_ENDED: Final = 16
"""Waits that end together. Thousands would keep the event loop from everything else."""
_BUSY_TIMER_SECONDS: Final = 0.01
_MAX_CHUNK_BYTES: Final = 16 * 1024
_MAX_UNDIVIDED_BYTES: Final = 64 * 1024
"""The server copies what it gets at once, for each client that reads slowly."""


@dataclass(frozen=True, slots=True)
class TransferLimits:
    """How slow a transfer may be.

    - `idle_seconds`: the maximum time without a byte.
    - `period_seconds`: `min_bytes` must arrive within this time, again and again. A body that is
      smaller than `min_bytes` must be complete within it.
    """

    idle_seconds: float
    period_seconds: float = 30.0
    min_bytes: int = 120 * 1024


BODY_LIMITS: Final = TransferLimits(idle_seconds=10.0)
"""At least 4 KiB/s. All JSON bodies are smaller than `min_bytes`, so they have 30 s in all."""


class TransferDeadline:
    """The time that a transfer has left. Only time spent waiting for the client counts."""

    __slots__ = ("_bytes", "_elapsed", "_idle", "_limits")

    def __init__(self, limits: TransferLimits) -> None:
        self._limits = limits
        self._idle = 0.0
        self._elapsed = 0.0
        self._bytes = 0

    @property
    def seconds_left(self) -> float:
        """The time until the transfer is too slow, if no more bytes arrive."""
        return min(
            self._limits.idle_seconds - self._idle, self._limits.period_seconds - self._elapsed
        )

    def record(self, size: int, seconds: float) -> None:
        """Record that so many bytes were transferred in so many seconds."""
        self._idle = 0.0 if size else self._idle + seconds
        self._elapsed += seconds
        self._bytes += size
        if self._bytes >= self._limits.min_bytes:
            self._elapsed, self._bytes = 0.0, 0


class _SharedTimer:
    """Ends waits with one timer; one for each request would cost a fifth of a small request."""

    def __init__(self) -> None:
        self._expires_at: dict[asyncio.Task[Any], float] = {}
        self._is_running = False

    def add(self, task: asyncio.Task[Any], expires_at: float) -> None:
        """Cancel a task soon after this time on the monotonic clock."""
        self._expires_at[task] = expires_at
        if not self._is_running:
            self._is_running = True
            asyncio.get_running_loop().call_later(_TIMER_SECONDS, self._end_overdue)

    def remove(self, task: asyncio.Task[Any]) -> bool:
        """Do not cancel a task; return False if that has happened."""
        return self._expires_at.pop(task, None) is not None

    def _end_overdue(self) -> None:
        now = time.monotonic()
        overdue = [task for task, at in self._expires_at.items() if at <= now]
        for task in overdue[:_MAX_ENDED]:
            del self._expires_at[task]
            task.cancel()
        self._is_running = bool(self._expires_at)
        if self._is_running:
            seconds = _BUSY_TIMER_SECONDS if len(overdue) > _MAX_ENDED else _TIMER_SECONDS
            asyncio.get_running_loop().call_later(seconds, self._end_overdue)


class OpenRequests:
    """The requests that are open, and the clients that sent one recently."""

    def __init__(self) -> None:
        self._bodies: dict[Client, RequestBody | None] = {}
        self._recent: set[Client] = set()

    def add(self, client: Client, body: "RequestBody | None") -> None:
        """Add a request; `body` is None if it has no body."""
        self._bodies[client] = body
        self._recent.add(client)

    def remove(self, client: Client) -> None:
        """Remove a request that has ended."""
        self._bodies.pop(client, None)

    def __contains__(self, client: Client) -> bool:
        return client in self._bodies

    def body_wait_began_at(self, client: Client) -> float | None:
        """Return since when a request waits for its body, if it does."""
        body = self._bodies.get(client)
        return body.wait_began_at if body is not None else None

    def take_recent(self) -> set[Client]:
        """Return the clients that have sent a request since the last call."""
        recent, self._recent = self._recent, set()
        return recent


class DeadlineMiddleware:
    """Ends requests whose body arrives too slowly, and reads the rest of unread bodies.

    Large response bodies are sent in chunks, so that the server has only a part of them in memory.
    Responses have no deadline here: the server closes the connections of slow readers.
    """

    def __init__(
        self, app: Any, requests: OpenRequests, limits: TransferLimits = BODY_LIMITS
    ) -> None:
        self._app = app
        self._requests = requests
        self._limits = limits
        self._timer = _SharedTimer()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = None
        send = _ChunkedSend(send).send
        headers = headers_of(scope)
        if b"content-length" in headers or b"transfer-encoding" in headers:
            expects_continue = b"100-continue" in headers.get(b"expect", [b""])[-1].lower()
            body = RequestBody(
                receive,
                send,
                TransferDeadline(self._limits),
                self._timer,
                expects_continue=expects_continue,
            )
            receive, send = body.receive, body.send
        ip, port = scope.get("client") or ("", "")
        client = (ip, str(port))
        self._requests.add(client, body)
        try:
            await self._app(scope, receive, send)
        finally:
            self._requests.remove(client)


class _ChunkedSend:
    """Sends large response bodies in chunks."""

    __slots__ = ("_send",)

    def __init__(self, send: Any) -> None:
        self._send = send

    # No coroutine of its own: two messages of each response pass here.
    def send(self, message: MutableMapping[str, Any]) -> Awaitable[None]:
        """Send an ASGI message."""
        is_large = len(message.get("body", b"")) > _MAX_UNDIVIDED_BYTES
        sent: Awaitable[None] = self._send_chunks(message) if is_large else self._send(message)
        return sent

    async def _send_chunks(self, message: MutableMapping[str, Any]) -> None:
        content = message["body"]
        for start in range(0, len(content), _MAX_CHUNK_BYTES):
            chunk = bytes(content[start : start + _MAX_CHUNK_BYTES])
            await self._send({"type": message["type"], "body": chunk, "more_body": True})
        await self._send({**message, "body": b""})


class RequestBody:
    """The body of one request, on its way from the client."""

    def __init__(
        self,
        receive: Any,
        send: Any,
        deadline: TransferDeadline,
        timer: _SharedTimer,
        *,
        expects_continue: bool,
    ) -> None:
        self._receive = receive
        self._send = send
        self._deadline = deadline
        self._timer = timer
        self._expects_continue = expects_continue
        self._began_at = time.monotonic()
        self._is_complete = False
        self._is_late = False
        self._is_waiting = False

    @property
    def wait_began_at(self) -> float | None:
        """When the body began, on the monotonic clock; None while nobody waits for more of it."""
        return self._began_at if self._is_waiting else None

    async def receive(self) -> MutableMapping[str, Any]:
        """Receive the next ASGI message.

        Raises:
            InvalidBody: The body ended too early, whether the client is still connected or not.
            RequestTimeout: The body arrives too slowly.
        """
        if self._is_late:
            raise RequestTimeout
        if self._is_complete:
            rest: MutableMapping[str, Any] = await self._receive()
            return rest
        message = await self._receive_in_time()
        self._expects_continue = False
        self._is_complete = not message.get("more_body", False)
        if message["type"] == "http.disconnect":
            raise InvalidBody(FieldErrorCode.INCOMPLETE_BODY, "The body ended too early.")
        return message

    def send(self, message: MutableMapping[str, Any]) -> Awaitable[None]:
        """Send an ASGI message, after the rest of the body has been read."""
        is_early = not self._is_complete and message["type"] == "http.response.start"
        sent: Awaitable[None] = self._send_early(message) if is_early else self._send(message)
        return sent

    async def _send_early(self, message: MutableMapping[str, Any]) -> None:
        await self._drain()
        if not self._is_complete:
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await self._send(message)

    async def _receive_in_time(self) -> MutableMapping[str, Any]:
        # `asyncio.timeout` does the same, for several times the cost.
        task: Any = asyncio.current_task()
        began_at = time.monotonic()
        self._timer.add(task, began_at + self._deadline.seconds_left)
        self._is_waiting = True
        try:
            message: MutableMapping[str, Any] = await self._receive()
        except asyncio.CancelledError:
            # Somebody else may have cancelled the task, alone or too.
            if self._timer.remove(task) or task.uncancel():
                raise
            self._is_late = True
            raise RequestTimeout from None
        finally:
            self._timer.remove(task)
            self._is_waiting = False
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

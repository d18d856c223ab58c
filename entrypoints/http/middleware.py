"""The outermost ASGI layer."""

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, TypeAlias

import structlog

from application.ports.current_request import CURRENT_REQUEST, CurrentRequest
from entrypoints.http.client import CLIENT_IP, ClientIpResolver, header_values, headers_of
from entrypoints.http.request_starts import RequestStarts

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

_ID_BYTES: Final = 16
_RANDOM_BYTES: Final = 4096
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
# Only versions after 00 may append to it.
_TRACEPARENT: Final = re.compile(
    r"(?!ff|00.{53}-)[0-9a-f]{2}-(?!0{32})(?P<trace_id>[0-9a-f]{32})"
    r"-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[A-Za-z0-9._-]{0,72})?"
)
REQUEST_LOGGER: Final = __name__
IS_HEAD: Final = "is_head"
"""The key in the state of a request that is set for HEAD."""
_CLIENT_CLOSED_REQUEST: Final = 499
_DEFAULT_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)

_log = structlog.get_logger()


def log_request(event: str, **fields: Any) -> None:
    """Log a request with structlog."""
    _log.info(event, **fields)


class RequestContextMiddleware:
    """Gives each request an id, a client IP, a log line and default headers; answers HEAD like GET.

    - Every log line of the request has its `request_id` and `client_ip`, and the `trace_id` of a
      request with `traceparent` (https://www.w3.org/TR/trace-context/).
    - The ids of a trusted proxy are kept if they are valid. All others are replaced.
    - A default header does not replace a header of the response.
    - While the service stops, each response closes its connection, so that the client or a proxy
      opens the next one to another instance.
    """

    def __init__(
        self,
        app: App,
        trusted_proxies: Collection[IPv4Network | IPv6Network] = (),
        is_stopping: Callable[[], bool] = lambda: False,
        log_request: Callable[..., None] = log_request,
    ) -> None:
        self._app = app
        self._is_stopping = is_stopping
        self._log_request = log_request
        self._client_ips = ClientIpResolver(trusted_proxies)
        self._starts = RequestStarts()
        self._random = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        await self._starts.wait_for_turn()
        scope[CLIENT_IP] = client_ip = self._client_ips.resolve(scope)
        fields = {**self._ids(scope), "client_ip": client_ip}
        CURRENT_REQUEST.set(CurrentRequest(fields))
        method: str = scope["method"]
        if method == "HEAD":
            scope["method"] = "GET"
            # For handlers whose body is expensive.
            scope.setdefault("state", {})[IS_HEAD] = True
        exchange = _Exchange(
            send, fields["request_id"], is_head=method == "HEAD", is_stopping=self._is_stopping
        )
        try:
            await self._app(scope, receive, exchange.send)
        finally:
            self._log_request(
                "http_request",
                **fields,
                method=method,
                # The template, not the path: clients put anything into a path.
                path=scope.get("path_template") or "-",
                status=exchange.status,
                duration_ms=round((time.perf_counter() - started) * 1000, 1),
            )

    def _ids(self, scope: Scope) -> dict[str, str]:
        is_trusted = self._client_ips.has_trusted_peer(scope)
        request_id = _match(_REQUEST_ID, scope, b"x-request-id") if is_trusted else None
        ids = {"request_id": request_id[0] if request_id else self._make_id()}
        if b"traceparent" in headers_of(scope):
            trace = _match(_TRACEPARENT, scope, b"traceparent") if is_trusted else None
            ids["trace_id"] = trace["trace_id"] if trace else self._make_id()
        return ids

    def _make_id(self) -> str:
        # One system call for many ids.
        if not self._random:
            self._random = secrets.token_bytes(_RANDOM_BYTES)
        made, self._random = self._random[:_ID_BYTES], self._random[_ID_BYTES:]
        return made.hex()


def _match(pattern: re.Pattern[str], scope: Scope, name: bytes) -> re.Match[str] | None:
    values = header_values(scope, name)
    return pattern.fullmatch(values[0]) if len(values) == 1 else None


class _Exchange:
    """One request and its response."""

    def __init__(
        self, send: Send, request_id: str, *, is_head: bool, is_stopping: Callable[[], bool]
    ) -> None:
        self._send = send
        self._request_id = request_id
        self._is_head = is_head
        self._is_stopping = is_stopping
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
        added = list(headers)
        names = {name for name, _ in added}
        added += [default for default in _DEFAULT_HEADERS if default[0] not in names]
        added.append((b"x-request-id", self._request_id.encode()))
        if self._is_stopping() and b"connection" not in names:
            added.append((b"connection", b"close"))
        return added

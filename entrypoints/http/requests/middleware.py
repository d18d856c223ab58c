"""The outermost ASGI layer."""

import asyncio
import random
import re
import time
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    MutableMapping,
    Sequence,
)
from typing import Any, Final, TypeAlias

import structlog

from application.ports.current_request import CURRENT_REQUEST, CurrentRequest
from application.ports.tracing import ERROR_TYPE, Attributes, Span, Tracer, active_tracer
from entrypoints.http.errors.core_errors import CORE_TABLE
from entrypoints.http.errors.table import ApiError, ErrorTable
from entrypoints.http.requests.client_ip import CLIENT_IP, ClientIpResolver
from entrypoints.http.requests.headers import headers_of
from entrypoints.http.settings import RequestObserver

# Litestar has a TypedDict for each message, which says nothing of keys of our own.
AsgiMessage: TypeAlias = MutableMapping[str, Any]
AsgiScope: TypeAlias = MutableMapping[str, Any]
AsgiReceive: TypeAlias = Callable[[], Awaitable[AsgiMessage]]
AsgiSend: TypeAlias = Callable[[AsgiMessage], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

# The log has it as it is, so it must not be a phone number.
_REQUEST_ID: Final = re.compile(
    r"(?!(?:\d{7,15}|\d{3}[.-]?\d{3}[.-]\d{4}|\d{5}-\d{5})\Z)(?P<id>[A-Za-z0-9._-]{1,128})"
)
# Only versions after 00 may append to it.
_TRACEPARENT: Final = re.compile(
    r"(?!ff|00.{53}-)[0-9a-f]{2}-(?!0{32})(?P<id>[0-9a-f]{32})"
    r"-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[A-Za-z0-9._-]{0,72})?"
)
IS_HEAD: Final = "is_head"
"""The key in the state of a request that is set for HEAD."""
ERROR: Final = "dialtone.error"
"""The key in the ASGI scope of the error that became the response."""
VARY: Final = "dialtone.vary"
"""The key in the ASGI scope of a header that selects the response, in addition to `Origin`.

The framework replaces `Vary` in responses to pages of other origins.
"""
_CLIENT_CLOSED_REQUEST: Final = 499
_UNTRACED: Final = "/health/"
"""Prefix of paths that are not traced: a balancer requests them each second."""
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE")
DEFAULT_HEADERS: Final = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}

_log = structlog.get_logger()


class RequestContextMiddleware:
    """Gives each request an id, a client IP, a log line and default headers; answers HEAD like GET.

    - Every log line of the request has its `request_id` and `client_ip`, and the `trace_id` of a
      request with `traceparent` (https://www.w3.org/TR/trace-context/).
    - With a tracer each request is a span, and its lines have `trace_id` and `span_id` of that.
    - The ids of a trusted proxy are kept if they are valid. All others are replaced.
    - While the service stops, each response closes its connection, so that the client or a proxy
      opens the next one to another instance.
    """

    def __init__(
        self,
        app: AsgiApp,
        client_ips: ClientIpResolver,
        is_stopping: Callable[[], bool] = lambda: False,
        default_headers: Mapping[bytes, bytes] = DEFAULT_HEADERS,
        observer: RequestObserver | None = None,
        errors: ErrorTable = CORE_TABLE,
    ) -> None:
        self._app = app
        self._is_stopping = is_stopping
        self._default_headers = default_headers
        self._observer = observer
        self._errors = errors
        self._client_ips = client_ips

    # No coroutine of its own: each request passes here.
    def __call__(self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        tracer = active_tracer()
        if tracer is None or scope["path"].startswith(_UNTRACED):
            return self._respond(scope, receive, send)
        return self._trace(tracer, scope, receive, send)

    async def _trace(
        self, tracer: Tracer, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend
    ) -> None:
        method: str = scope["method"]
        # A client may send anything.
        attributes: Attributes = {"http.request.method": method if method in _METHODS else "_OTHER"}
        with tracer.trace_request(attributes, self._trace_context(scope)) as span:
            await self._respond(scope, receive, send, span)

    async def _respond(
        self,
        scope: AsgiScope,
        receive: AsgiReceive,
        send: AsgiSend,
        span: Span | None = None,
    ) -> None:
        started = time.perf_counter()
        fields = self._ids(scope, span)
        scope[CLIENT_IP] = fields["client_ip"] = self._client_ips.resolve(scope)
        CURRENT_REQUEST.set(CurrentRequest(fields, asyncio.get_running_loop().time()))
        method: str = scope["method"]
        if method == "HEAD":
            scope["method"] = "GET"
            # For handlers whose body is expensive.
            scope.setdefault("state", {})[IS_HEAD] = True
        status = _CLIENT_CLOSED_REQUEST

        # No coroutine of its own: two messages of each response pass here.
        def send_with_headers(message: AsgiMessage) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = self._add_headers(message["headers"], fields["request_id"])
                message["headers"] = _add_vary(headers, scope) if VARY in scope else headers
            return send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as unexpected:
            if status == _CLIENT_CLOSED_REQUEST:
                status = 500  # no response has begun: the server sends this one
            # The line of the server has neither cause nor request id.
            _log.error("request_crashed", exc_info=unexpected)
            raise
        finally:
            seconds = time.perf_counter() - started
            # The template, not the path: clients put anything into a path.
            route = scope.get("path_template") or "-"
            error: ApiError | None = scope.get(ERROR)
            if self._observer is not None:
                error_class = None if error is None else type(error)
                self._observer.observe_request(method, route, status, seconds, error_class)
            code = {} if error is None else {"error_code": self._errors.code(error)}
            if span is not None:
                span.attributes["http.response.status_code"] = status
                span.attributes["dialtone.request_id"] = fields["request_id"]
                if route != "-":
                    span.attributes["http.route"] = route
                if code:
                    span.attributes["dialtone.error_code"] = code["error_code"]
                if status >= 500:
                    span.attributes[ERROR_TYPE] = str(status)
            _log.info(
                "http_request",
                method=method,
                path=route,
                status=status,
                **code,
                duration_ms=round(seconds * 1000, 1),
            )

    def _add_headers(
        self, headers: Iterable[tuple[bytes, bytes]], request_id: str
    ) -> list[tuple[bytes, bytes]]:
        added = list(headers)
        names = dict(added).keys()
        added += [default for default in self._default_headers.items() if default[0] not in names]
        added.append((b"x-request-id", request_id.encode()))
        if self._is_stopping() and b"connection" not in names:
            added.append((b"connection", b"close"))
        return added

    def _trace_context(self, scope: AsgiScope) -> dict[str, str]:
        # With that of anybody, all requests could be sampled ones, or parts of the same trace.
        trusted = headers_of(scope) if self._client_ips.has_trusted_peer(scope) else {}
        names = ("traceparent", "tracestate")
        found = {name: trusted.get(name.encode(), ()) for name in names}
        return {
            name: values[0].decode("latin-1") for name, values in found.items() if len(values) == 1
        }

    def _ids(self, scope: AsgiScope, span: Span | None) -> dict[str, str]:
        headers = headers_of(scope)
        trusted = headers if self._client_ips.has_trusted_peer(scope) else {}
        request_id = _find_id(_REQUEST_ID, trusted.get(b"x-request-id", ()))
        ids = {"request_id": request_id or _make_id()}
        if span is not None:
            ids |= {"trace_id": span.trace_id, "span_id": span.span_id}
        elif b"traceparent" in headers:
            trace_id = _find_id(_TRACEPARENT, trusted.get(b"traceparent", ()))
            ids["trace_id"] = trace_id or _make_id()
        return ids


def _add_vary(headers: list[tuple[bytes, bytes]], scope: AsgiScope) -> list[tuple[bytes, bytes]]:
    values = [value for name, value in headers if name == b"vary"]
    others = [header for header in headers if header[0] != b"vary"]
    return [*others, (b"vary", b", ".join([*values, scope[VARY]]))]


def _make_id() -> str:
    # No secret. `secrets` would make a system call, which slows down what follows it.
    return f"{random.getrandbits(128):032x}"


def _find_id(pattern: re.Pattern[str], values: Sequence[bytes]) -> str | None:
    match = pattern.fullmatch(values[0].decode("latin-1")) if len(values) == 1 else None
    return match["id"] if match else None

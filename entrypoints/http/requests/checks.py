"""Checks of the headers of a request, before any work is done for it."""

import re
from collections.abc import Awaitable, Collection, Sequence
from typing import Final, NamedTuple

import msgspec
import structlog
from litestar.response.base import ASGIResponse

from entrypoints.http.errors.core_errors import CORE_TABLE
from entrypoints.http.errors.exceptions import (
    HttpError,
    InvalidAuthorization,
    InvalidHost,
    MethodNotAllowed,
    OriginNotAllowed,
    PathNotFound,
    UnsupportedTransferEncoding,
)
from entrypoints.http.errors.table import ErrorTable
from entrypoints.http.requests.headers import header_values, headers_of
from entrypoints.http.requests.middleware import ERROR, AsgiApp, AsgiReceive, AsgiScope, AsgiSend
from entrypoints.settings.values import HYBRID_ORIGINS

CORS_METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST")
"""All methods that our routes have, but OPTIONS."""
_HTTP_1_0: Final = {"1", "1.0"}
"""The server has the first spelling, ASGI the second."""
_SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS", "TRACE"}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_AUTHORITY: Final = r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
_HOST: Final = re.compile(_AUTHORITY, re.IGNORECASE)
_ORIGIN: Final = re.compile(rf"(?P<scheme>https?)://{_AUTHORITY}", re.IGNORECASE)


_log = structlog.get_logger()


class Origin(NamedTuple):
    """The origin of a page (RFC 6454). Two spellings of one origin are equal.

    The origin of a hybrid app has no port.
    """

    scheme: str
    name: str
    port: int | None

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.name}{port}"


class RequestCheckMiddleware:
    """Rejects invalid requests, and requests that foreign pages make browsers send.

    - A request has one valid Host header (RFC 9112 §3.2). HTTP/1.0 needs none: health checks of
      load balancers often have none. Litestar's allowed hosts compare the port and the case, reject
      probes by IP, and see only requests that have a route.
    - A request has at most one Authorization header (RFC 9110 §5.3): of two, a proxy and the
      service might each look at another one.
    - No body has a transfer coding other than chunked (RFC 9112 §6.1).
    - No path has an empty segment or an encoded slash. The framework would find another path by it
      than the rules of a proxy.
    - CONNECT is for proxies (RFC 9110 §9.3.6).
    - `OPTIONS *` asks about the server (RFC 9110 §9.3.7). `OPTIONS /` does too, because HAProxy
      checks the health of a server by it.
    - A request that may change something comes from a page of the service, from a listed origin,
      or not from a page at all. Browsers send `Origin` with it; old ones at least `Sec-Fetch-Site`.
    - A page of the service has the origin of `public_url`. Without one, it has the request's own
      host, which a page of another name can imitate by DNS rebinding. Clients can forge
      `X-Forwarded-Host`, so it does not count.
    - A preflight request (https://fetch.spec.whatwg.org/#cors-preflight-fetch) of a foreign page
      gets the same error, for developers who look at it, unless the API of the path has no OPTIONS.
    - So does a preflight request for a method that no route has: the framework's error has no JSON.
    - Paths of `own_pages` are for pages of the service only: listed origins are foreign there.
    - The framework sees only listed origins, and none at paths of `own_pages`. For others it adds
      no CORS headers and answers OPTIONS as usual.
    """

    def __init__(
        self,
        app: AsgiApp,
        public_url: str | None,
        web_origins: Sequence[str],
        webhooks: Collection[str] = (),
        own_pages: Collection[str] = (),
        errors: ErrorTable = CORE_TABLE,
        methods: Collection[str] = CORS_METHODS,
    ) -> None:
        self._app = app
        self._webhooks = frozenset(webhooks)
        self._errors = errors
        self._methods = frozenset(methods)
        self._allow = ", ".join(sorted([*methods, "OPTIONS"]))
        self._own_pages = tuple(own_pages)
        self._web_origins = frozenset(web_origins)
        self._has_public_url = public_url is not None
        own = ["/".join(public_url.split("/")[:3])] if public_url else []
        self._own = {parse_origin(origin) for origin in own}
        self._allowed = {parse_origin(origin) for origin in (*web_origins, *own)}

    # No coroutine of its own: each request passes here.
    def __call__(self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        try:
            self._check(scope)
        except HttpError as error:
            if isinstance(error, OriginNotAllowed):
                _log_origin(scope)
            scope[ERROR] = error
            errors = self._errors.of_path(scope["path"])
            response: AsgiApp = ASGIResponse(
                body=msgspec.json.encode(errors.body(error)),
                status_code=errors.status(error),
                headers=errors.headers(error),
            )
            return response(scope, receive, send)
        if _is_about_server(scope):
            about: AsgiApp = ASGIResponse(status_code=204, headers={"Allow": self._allow})
            return about(scope, receive, send)
        if self._web_origins:
            self._hide_foreign_origin(scope)
        return self._app(scope, receive, send)

    def _check(self, scope: AsgiScope) -> None:
        host = _check_framing(scope)
        if "//" in scope["path"] or b"%2f" in scope["raw_path"].lower():
            raise PathNotFound
        if scope["method"] == "CONNECT":
            raise MethodNotAllowed(self._errors.of_path(scope["path"]).methods or self._allow)
        headers = headers_of(scope)
        if b"origin" in headers or b"sec-fetch-site" in headers:
            self._check_origin(scope, host)
        if b"origin" in headers and _is_preflight(scope):
            methods = header_values(scope, b"access-control-request-method")
            if not set(methods) <= self._methods:
                raise MethodNotAllowed(self._errors.of_path(scope["path"]).methods or self._allow)

    def _check_origin(self, scope: AsgiScope, host: re.Match[str] | None) -> None:
        is_for_own = self._is_for_own_pages(scope["path"])
        is_checked = scope["method"] not in _SAFE_METHODS or (
            _is_preflight(scope) and self._errors.of_path(scope["path"]).methods is None
        )
        if not is_checked or is_below(scope["path"], *self._webhooks):
            return
        origins = header_values(scope, b"origin")
        if not origins:
            if "cross-site" in header_values(scope, b"sec-fetch-site"):
                raise OriginNotAllowed
            return
        origin = parse_origin(origins[0]) if len(origins) == 1 else None
        allowed = self._own if is_for_own else self._allowed
        if origin is None or not (origin in allowed or self._is_own(origin, host)):
            raise OriginNotAllowed

    def _is_for_own_pages(self, path: str) -> bool:
        return any(path == own or path.startswith(f"{own}/") for own in self._own_pages)

    def _is_own(self, origin: Origin, host: re.Match[str] | None) -> bool:
        if self._has_public_url or host is None or origin.port is None:
            return False
        # Not by scheme: a proxy that ends TLS sends plain http. Without a port, the origin's scheme
        # says which one is meant.
        port = int(host["port"] or _DEFAULT_PORTS[origin.scheme])
        return (origin.name, origin.port) == (host["name"].lower(), port)

    def _hide_foreign_origin(self, scope: AsgiScope) -> None:
        origins = header_values(scope, b"origin")
        is_listed = len(origins) == 1 and origins[0] in self._web_origins
        is_listed = is_listed and not self._is_for_own_pages(scope["path"])
        if origins and not (is_listed and (scope["method"] != "OPTIONS" or _is_preflight(scope))):
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"origin"]


def _check_framing(scope: AsgiScope) -> re.Match[str] | None:
    """Check the headers that say where a request ends and whom it is for; return the host."""
    headers = headers_of(scope)
    hosts = header_values(scope, b"host")
    # The server adds an empty header if there is none.
    is_optional = scope["http_version"] in _HTTP_1_0 and hosts in ([], [""])
    host = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if host is None and not is_optional:
        raise InvalidHost
    if len(headers.get(b"authorization", ())) > 1:
        raise InvalidAuthorization
    codings = ",".join(header_values(scope, b"transfer-encoding")).lower()
    # The server itself rejects a body whose last coding is not chunked.
    if codings and codings.strip() != "chunked":
        raise UnsupportedTransferEncoding
    return host


def _log_origin(scope: AsgiScope) -> None:
    """Say in the log, which is for operators, how to allow the origin."""
    origins = [
        str(origin) for text in header_values(scope, b"origin") if (origin := parse_origin(text))
    ]
    fix = "if its pages are yours, list the origin in DIALTONE_WEB_ORIGINS"
    _log.info("origin_rejected", origins=origins, fix=fix)


def _is_about_server(scope: AsgiScope) -> bool:
    if scope["method"] != "OPTIONS":
        return False
    path = scope["path"]
    return path == "*" or (path == "/" and not _is_preflight(scope))


def _is_preflight(scope: AsgiScope) -> bool:
    has_method = b"access-control-request-method" in headers_of(scope)
    return has_method and scope["method"] == "OPTIONS"


def is_below(path: str, *segments: str) -> bool:
    """Return whether the first segment of a path is one of these."""
    return next(filter(None, path.split("/")), "") in segments


def parse_origin(text: str) -> Origin | None:
    """Return the origin that a header or an URL names, with its port; None for any other text."""
    if text.lower() in HYBRID_ORIGINS:
        scheme, _, name = text.lower().partition("://")
        return Origin(scheme, name, None)
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return None  # such as `null`, that of a sandboxed page
    scheme = match["scheme"].lower()
    return Origin(scheme, match["name"].lower(), int(match["port"] or _DEFAULT_PORTS[scheme]))

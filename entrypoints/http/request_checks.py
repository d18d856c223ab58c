"""Checks of the headers of a request, before any work is done for it."""

import re
from collections.abc import Awaitable, Sequence
from typing import Final, NamedTuple

import msgspec
from litestar.response.base import ASGIResponse

from entrypoints.http.client import header_values, headers_of
from entrypoints.http.errors.exceptions import (
    HttpError,
    InvalidAuthorization,
    InvalidHost,
    OriginNotAllowed,
)
from entrypoints.http.errors.table import Api, api_of, error_body, error_headers, error_status
from entrypoints.http.middleware import App, Receive, Scope, Send

_SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS", "TRACE"}
_WEBHOOK_SEGMENTS: Final = {"voice", "sms"}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_AUTHORITY: Final = r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
_HOST: Final = re.compile(_AUTHORITY, re.IGNORECASE)
_ORIGIN: Final = re.compile(rf"(?P<scheme>https?)://{_AUTHORITY}", re.IGNORECASE)


class _Origin(NamedTuple):
    scheme: str
    name: str
    port: int


class RequestCheckMiddleware:
    """Rejects invalid requests, and requests that foreign pages make browsers send.

    - A request has one valid Host header (RFC 9112 §3.2).
    - A request has at most one Authorization header (RFC 9110 §5.3): a proxy and the service might
      each look at another one.
    - A request that may change something comes from a page of the service, from a listed origin,
      or not from a page at all. Browsers send `Origin` with it; old ones at least `Sec-Fetch-Site`.
    - A page of the service has the origin of `public_url`. Without one, it has the request's own
      host, which a page of another name can imitate by DNS rebinding.
    - A preflight request (https://fetch.spec.whatwg.org/#cors-preflight-fetch) of a foreign page
      gets the same error, for developers who look at it. The legacy API knows no OPTIONS.
    - Requests of a telephony provider are no requests of browsers, and they are signed.
    - The framework sees only listed origins: for others it adds no CORS headers and answers
      OPTIONS as usual.
    """

    def __init__(self, app: App, public_url: str | None, web_origins: Sequence[str]) -> None:
        self._app = app
        self._web_origins = frozenset(web_origins)
        self._has_public_url = public_url is not None
        own = ["/".join(public_url.split("/")[:3])] if public_url else []
        self._allowed = {_parse_origin(origin) for origin in (*web_origins, *own)}

    # No coroutine of its own: each request passes here.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        try:
            self._check(scope)
        except HttpError as error:
            api = api_of(scope["path"])
            response: App = ASGIResponse(
                body=msgspec.json.encode(error_body(error, api)),
                status_code=error_status(error, api),
                headers=error_headers(error),
            )
            return response(scope, receive, send)
        if self._web_origins:
            self._hide_foreign_origin(scope)
        return self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers = headers_of(scope)
        hosts = header_values(scope, b"host")
        host = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if host is None:
            raise InvalidHost
        if len(headers.get(b"authorization", ())) > 1:
            raise InvalidAuthorization
        if b"origin" not in headers and b"sec-fetch-site" not in headers:
            return
        is_checked = scope["method"] not in _SAFE_METHODS or (
            _is_preflight(scope) and api_of(scope["path"]) is Api.MAIN
        )
        if not is_checked or _is_webhook(scope["path"]):
            return
        origins = header_values(scope, b"origin")
        if not origins:
            if "cross-site" in header_values(scope, b"sec-fetch-site"):
                raise OriginNotAllowed
            return
        origin = _parse_origin(origins[0]) if len(origins) == 1 else None
        if origin is None or not (origin in self._allowed or self._is_own(origin, host)):
            raise OriginNotAllowed

    def _is_own(self, origin: _Origin, host: re.Match[str]) -> bool:
        if self._has_public_url:
            return False
        # Not by scheme: a proxy that ends TLS sends plain http. Without a port, the origin's scheme
        # says which one is meant.
        port = int(host["port"] or _DEFAULT_PORTS[origin.scheme])
        return (origin.name, origin.port) == (host["name"].lower(), port)

    def _hide_foreign_origin(self, scope: Scope) -> None:
        origins = header_values(scope, b"origin")
        is_listed = len(origins) == 1 and origins[0] in self._web_origins
        if origins and not (is_listed and (scope["method"] != "OPTIONS" or _is_preflight(scope))):
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"origin"]


def _is_preflight(scope: Scope) -> bool:
    has_method = b"access-control-request-method" in headers_of(scope)
    return has_method and scope["method"] == "OPTIONS"


def _is_webhook(path: str) -> bool:
    return next(filter(None, path.split("/")), "") in _WEBHOOK_SEGMENTS


def _parse_origin(text: str) -> _Origin | None:
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return None  # such as `null`, that of a sandboxed page
    scheme = match["scheme"].lower()
    return _Origin(scheme, match["name"].lower(), int(match["port"] or _DEFAULT_PORTS[scheme]))

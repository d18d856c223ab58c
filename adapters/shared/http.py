"""HTTP requests to a provider.

How far a failed request got decides whether it may be repeated, or another provider be tried:
before a connection exists nothing was sent, afterwards the message may have been.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import httpx

from adapters.shared.causes import code_of
from application.ports.tracing import ERROR_TYPE, Attributes, Span, trace_call

RETRY_DELAY: Final = 0.1
"""Seconds before a request is repeated."""
_IDEMPOTENT: Final = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")
_NOT_CONNECTED: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_REASONS: Final[dict[type[Exception], str]] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "too many requests at the same time",
    httpx.ProxyError: "the proxy refused the connection",
    httpx.UnsupportedProtocol: "the URL is invalid",
}
_MAX_BODY_SIZE: Final = 64 * 1024
_MAX_CONNECTIONS: Final = 100
_MAX_IDLE_CONNECTIONS: Final = 20
# A compressed body of any server could become a thousand times as large in memory, and the size
# that a server announces is that of the body as it is sent.
_HEADERS: Final = {"Accept-Encoding": "identity"}
# What is for this machine does not go to the proxy of the environment, which may be on another one
# and would get it in plain text.
_NO_PROXY: Final = ("all://localhost", "all://127.0.0.1", "all://[::1]")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits of a request, in seconds.

    Attributes:
        connect: For a new connection, and again for its TLS handshake.
        read: Without a byte from the server.
        total: For the whole request; longer than `pool` and twice `connect`.
        pool: For a free connection.
        idle: Until a connection without a request is closed. Well below the keep-alive time of
            the server: a request on a connection that the server closes at that moment gets no
            response, so its result is unknown.
    """

    connect: float = 3.0
    read: float = 8.0
    total: float = 9.0
    pool: float = 2.0
    idle: float = 15.0


Form: TypeAlias = Mapping[str, str | list[str]]
"""Fields, some of them with several values."""


class ConnectionFailed(Exception):
    """There was no connection: nothing of the request was sent.

    Attributes:
        reason: Why, in words, such as "TLS: self-signed certificate".
    """

    def __init__(self, reason: str = "", details: str = "") -> None:
        """Take texts that have no secret."""
        super().__init__(reason)
        self.reason = reason
        self.details = details


class NoResponse(Exception):
    """The request was sent, at least in part, and there was no response."""

    def __init__(self, details: str = "") -> None:
        """Take a text that has no secret."""
        super().__init__(details)
        self.details = details


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response; `body` is empty if it was not complete, too large or too late.

    A compressed body is not decompressed.
    """

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body; bytes that are not UTF-8 are replaced."""
        return self.body.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class HttpStream:
    """A response whose body is read in chunks; `size` is None if the server does not say it."""

    status: int
    media_type: str
    size: int | None
    chunks: AsyncIterator[bytes]


class Transport:
    """Send requests, and repeat them only where that is harmless.

    - A request for which there was no connection is repeated once: nothing was sent.
    - One with an idempotent method (RFC 9110, section 9.2.2) is repeated once without a response.
      A POST is not: the provider may have sent the message.
    - A timeout and an error of TLS are not repeated. `Timeouts.total` limits all attempts together.
    """

    def __init__(self, http: httpx.AsyncClient, timeouts: Timeouts) -> None:
        self._http = http
        self._timeouts = timeouts

    async def request(
        self,
        method: str,
        url: str,
        *,
        form: Form | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        credentials: tuple[str, str] | None = None,
    ) -> HttpResponse:
        """Send a request and return the response, whatever its status.

        A `content` has its media type in `headers`; `credentials` are for Basic authentication.

        Raises:
            ConnectionFailed: nothing was sent.
        """
        deadline = asyncio.get_running_loop().time() + self._timeouts.total
        try:
            request = self._http.build_request(
                method, url, data=form, content=content, headers=headers
            )
        # UnicodeError: a label of the host begins with xn-- and is not Punycode.
        except (httpx.InvalidURL, UnicodeError):
            raise ConnectionFailed("the URL is invalid") from None
        with _trace(request) as span:
            response = await self._send(request, credentials or httpx.USE_CLIENT_DEFAULT, deadline)
            _record_status(span, response)
            try:
                return HttpResponse(response.status_code, await _read_body(response, deadline))
            finally:
                await response.aclose()

    async def _send(
        self, request: httpx.Request, auth: Any, deadline: float, earlier: Exception | None = None
    ) -> httpx.Response:
        failure: Exception
        try:
            async with asyncio.timeout_at(deadline):
                return await self._http.send(request, auth=auth, stream=True)
        # The total timeout is longer than connecting can take, so it means that there was no
        # response.
        except _NOT_CONNECTED as error:
            failure = ConnectionFailed(_describe(error), _details_of(error))
            is_repeatable = isinstance(error, httpx.ConnectError) and not _find_tls_error(error)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            failure = NoResponse(_details_of(error))
            is_broken = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)
            is_repeatable = is_broken and request.method in _IDEMPOTENT
        if is_repeatable and earlier is None:
            await asyncio.sleep(RETRY_DELAY)
            return await self._send(request, auth, deadline, failure)
        # If the first attempt was sent, it does not help that the second one was not.
        raise earlier if isinstance(earlier, NoResponse) else failure

    @asynccontextmanager
    async def open_stream(
        self, url: str, *, credentials: tuple[str, str], total_seconds: float
    ) -> AsyncIterator[HttpStream]:
        """Get a URL and read the response in chunks, for `total_seconds` at most.

        Redirects are followed; another origin does not get the credentials.

        Raises:
            ConnectionFailed: there was no connection.
            NoResponse: no status line came, or the body broke off.
        """
        deadline = asyncio.get_running_loop().time() + total_seconds
        request = self._http.build_request("GET", url)
        with _trace(request) as span:
            try:
                async with asyncio.timeout(self._timeouts.total):
                    response = await self._http.send(
                        request, auth=credentials, stream=True, follow_redirects=True
                    )
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                raise ConnectionFailed(_describe(error), _details_of(error)) from None
            except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
                raise NoResponse(_details_of(error)) from None
            _record_status(span, response)
        try:
            media_type, _, _ = response.headers.get("Content-Type", "").partition(";")
            length = response.headers.get("Content-Length", "")
            is_encoded = "Content-Encoding" in response.headers
            async with aclosing(_read_chunks(response, deadline)) as chunks:
                yield HttpStream(
                    response.status_code,
                    media_type.strip().lower(),
                    int(length) if length.isdecimal() and not is_encoded else None,
                    chunks,
                )
        finally:
            await response.aclose()


@asynccontextmanager
async def open_transport(timeouts: Timeouts) -> AsyncIterator[Transport]:
    """Open a transport, which keeps connections until the block ends."""
    timeout = httpx.Timeout(timeouts.read, connect=timeouts.connect, pool=timeouts.pool)
    limits = httpx.Limits(
        max_connections=_MAX_CONNECTIONS,
        max_keepalive_connections=_MAX_IDLE_CONNECTIONS,
        keepalive_expiry=timeouts.idle,
    )
    async with httpx.AsyncClient(
        verify=_tls_context(),
        timeout=timeout,
        limits=limits,
        headers=_HEADERS,
        mounts=dict.fromkeys(_NO_PROXY),
        follow_redirects=False,
    ) as http:
        yield Transport(http, timeouts)


def _trace(request: httpx.Request) -> AbstractContextManager[Span]:
    """Return the span of a request. The URL has numbers and ids, so there is only its host."""
    url, method = request.url, request.method
    attributes: Attributes = {"http.request.method": method, "server.address": url.host}
    if url.port is not None:
        attributes["server.port"] = url.port
    return trace_call(attributes)


def _record_status(span: Span, response: httpx.Response) -> None:
    span.attributes["http.response.status_code"] = response.status_code
    if response.is_error:
        span.attributes[ERROR_TYPE] = str(response.status_code)


def _describe(error: Exception) -> str:
    tls_error = _find_tls_error(error)
    if isinstance(tls_error, ssl.SSLCertVerificationError):
        return f"TLS: {tls_error.verify_message}"
    if tls_error is not None:
        return f"TLS: {tls_error.reason or 'the handshake failed'}"
    return _REASONS.get(type(error), "the connection was refused or the host is unknown")


def _details_of(error: Exception) -> str:
    # Not the last of all: it may be what the caller handles with this request.
    of_network = [cause for cause in _with_causes(error) if isinstance(cause, OSError)]
    root = of_network[-1] if of_network else error
    return f"{type(error).__name__} {code_of(root)}".strip()


@code_of.register
def _(error: httpx.HTTPStatusError) -> str:
    # Our own requests raise none, but an operator's adapter may.
    return str(error.response.status_code)


def _find_tls_error(error: Exception) -> ssl.SSLError | None:
    return next((cause for cause in _with_causes(error) if isinstance(cause, ssl.SSLError)), None)


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, what caused it, and so on, also if httpcore raised it `from None`."""
    while error is not None:
        if isinstance(error, BaseExceptionGroup):  # of each IP of the host
            error = error.exceptions[0]
        yield error
        error = error.__cause__ or error.__context__


@cache
def _tls_context() -> ssl.SSLContext:
    # Loading the certificate authorities takes 30 ms, for each client again.
    return httpx.create_ssl_context()


async def _read_body(response: httpx.Response, deadline: float) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            # The raw bytes: a compressed body is not JSON.
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _MAX_BODY_SIZE:
                    return b""
    except (httpx.HTTPError, OSError, TimeoutError):
        return b""
    return bytes(body)


async def _read_chunks(response: httpx.Response, deadline: float) -> AsyncGenerator[bytes, None]:
    try:
        # Each read has a time limit of its own.
        async for chunk in response.aiter_bytes():
            yield chunk
            if asyncio.get_running_loop().time() > deadline:
                raise NoResponse("the time is over")
    except (httpx.HTTPError, OSError) as error:
        raise NoResponse(_details_of(error)) from None

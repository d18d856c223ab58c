"""HTTP requests to Twilio, each of them sent once.

How far a failed request got decides whether another provider may be tried: before a connection
exists nothing was sent, afterwards the message may have been.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import httpx

_MAX_BODY_SIZE: Final = 64 * 1024
_LIMITS: Final = httpx.Limits(
    max_connections=100,
    max_keepalive_connections=20,
    # Well below the keep-alive time of servers: a request on a connection that the server closes
    # at that moment gets no response, so its result would be unknown.
    keepalive_expiry=15,
)
# A compressed body of any server could become a thousand times as large in memory.
_HEADERS: Final = {"Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits of a request, in seconds.

    Attributes:
        connect: For a new connection, and again for its TLS handshake.
        read: Without a byte from the server.
        total: For the whole request; longer than `pool` and twice `connect`.
        pool: For a free connection.
    """

    connect: float = 3.0
    read: float = 10.0
    total: float = 15.0
    pool: float = 2.0


Form: TypeAlias = Mapping[str, str | list[str]]
"""Fields, some of them with several values."""


class ConnectionFailed(Exception):
    """There was no connection: nothing of the request was sent."""


class NoResponse(Exception):
    """The request was sent, at least in part, and there was no response."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response; `text` is empty if the body was not complete, too large or too late.

    A compressed body is not decompressed.
    """

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class HttpStream:
    """A response whose body is read in chunks; `size` is None if the server does not say it."""

    status: int
    media_type: str
    size: int | None
    chunks: AsyncIterator[bytes]


class Transport:
    """Send requests without retries: whether to repeat a message is not the client's decision."""

    def __init__(self, http: httpx.AsyncClient, timeouts: Timeouts) -> None:
        """Send with this client; `timeouts.total` limits each request."""
        self._http = http
        self._timeouts = timeouts

    async def request(
        self,
        method: str,
        url: str,
        *,
        form: Form | None,
        credentials: tuple[str, str],
    ) -> HttpResponse:
        """Send a request and return the response, whatever its status.

        Raises:
            ConnectionFailed: nothing was sent.
            NoResponse: the request was sent, and no status line came.
        """
        deadline = asyncio.get_running_loop().time() + self._timeouts.total
        try:
            request = self._http.build_request(method, url, data=form)
            async with asyncio.timeout_at(deadline):
                response = await self._http.send(request, auth=credentials, stream=True)
        # The total timeout is longer than connecting can take, so it means that there was no
        # response.
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.ProxyError,
            httpx.UnsupportedProtocol,
            httpx.InvalidURL,
        ):
            raise ConnectionFailed from None
        except (httpx.HTTPError, OSError, TimeoutError):
            raise NoResponse from None
        try:
            return HttpResponse(response.status_code, await _read_text(response, deadline))
        finally:
            await response.aclose()

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
        # The size that the server announces is that of the body as it is sent.
        request = self._http.build_request("GET", url, headers={"Accept-Encoding": "identity"})
        try:
            async with asyncio.timeout(self._timeouts.total):
                response = await self._http.send(
                    request, auth=credentials, stream=True, follow_redirects=True
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise ConnectionFailed from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError):
            raise NoResponse from None
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
    async with httpx.AsyncClient(
        verify=_tls_context(),
        timeout=timeout,
        limits=_LIMITS,
        headers=_HEADERS,
        follow_redirects=False,
    ) as http:
        yield Transport(http, timeouts)


@cache
def _tls_context() -> ssl.SSLContext:
    # Loading the certificate authorities takes 30 ms, for each client again.
    return httpx.create_ssl_context()


async def _read_text(response: httpx.Response, deadline: float) -> str:
    body = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            # As they were sent: a compressed body is no JSON.
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _MAX_BODY_SIZE:
                    return ""
    except (httpx.HTTPError, OSError, TimeoutError):
        return ""
    return body.decode(errors="replace")


async def _read_chunks(response: httpx.Response, deadline: float) -> AsyncGenerator[bytes, None]:
    try:
        # Each read has a time limit of its own.
        async for chunk in response.aiter_bytes():
            yield chunk
            if asyncio.get_running_loop().time() > deadline:
                raise NoResponse
    except (httpx.HTTPError, OSError):
        raise NoResponse from None

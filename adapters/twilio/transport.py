"""HTTP requests to Twilio, each of them sent once.

How far a failed request got decides whether another provider may be tried: before a connection
exists nothing was sent, afterwards the message may have been.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

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
_UNCOMPRESSED: Final = {"Accept-Encoding": "identity"}


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
        form: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        credentials: tuple[str, str] | None,
    ) -> HttpResponse:
        """Send a request and return the response, whatever its status.

        Raises:
            ConnectionFailed: nothing was sent.
            NoResponse: the request was sent, and no status line came.
        """
        deadline = asyncio.get_running_loop().time() + self._timeouts.total
        try:
            request = self._http.build_request(method, url, data=form, headers=headers)
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
async def open_transport(timeouts: Timeouts) -> AsyncIterator[Transport]:
    """Open a transport, which keeps connections until the block ends."""
    timeout = httpx.Timeout(timeouts.read, connect=timeouts.connect, pool=timeouts.pool)
    async with httpx.AsyncClient(
        timeout=timeout, limits=_LIMITS, headers=_UNCOMPRESSED, follow_redirects=False
    ) as http:
        yield Transport(http, timeouts)


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

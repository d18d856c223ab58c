"""Requests over kept connections: how far one got is what decides about a second message."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

_LONGEST_BODY: Final = 64 * 1024
_CONNECTIONS: Final = httpx.Limits(
    max_connections=100,
    max_keepalive_connections=20,
    # Well below what servers keep an idle connection for: a request on one that is closed at
    # that moment gets no answer, and nobody knows whether it was heard.
    keepalive_expiry=15,
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds to wait.

    `queue` for a free connection; `connect` for a new one, and as long for its encryption;
    `silence` without a single byte; `whole` for all of it, however it drips; `look` for a
    probe, which readiness waits 3 for.
    """

    queue: float = 2.0
    connect: float = 3.0
    silence: float = 10.0
    whole: float = 15.0
    look: float = 2.5


PATIENCE: Final = Patience()


class NotReached(Exception):
    """No connection was made: nothing of the request has left."""


class NoAnswer(Exception):
    """The request left, in part or as a whole, and no answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; its text is empty when its body did not come, or not to its end."""

    status: int
    text: str


class Transport:
    """Asks once: whether to ask again is not for a client to decide."""

    def __init__(self, http: httpx.AsyncClient, patience: Patience) -> None:
        self._http = http
        self._patience = patience

    async def ask(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        credentials: tuple[str, str] | None,
    ) -> Answer:
        """Give the answer, whatever its status.

        Raises:
            NotReached
            NoAnswer
        """
        deadline = asyncio.get_running_loop().time() + self._patience.whole
        try:
            request = self._http.build_request(method, url, data=form, headers=headers)
            async with asyncio.timeout_at(deadline):
                response = await self._http.send(request, auth=credentials, stream=True)
        # The whole is longer than making a connection may take: it can only end afterwards.
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.ProxyError,
            httpx.UnsupportedProtocol,
            httpx.InvalidURL,
        ):
            raise NotReached from None
        except (httpx.HTTPError, OSError, TimeoutError):
            raise NoAnswer from None
        try:
            return Answer(response.status_code, await _text(response, deadline))
        finally:
            await response.aclose()


async def _text(response: httpx.Response, deadline: float) -> str:
    body = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _LONGEST_BODY:
                    return ""
    except (httpx.HTTPError, OSError, TimeoutError):
        return ""
    return body.decode(errors="replace")


@asynccontextmanager
async def open_transport(patience: Patience) -> AsyncIterator[Transport]:
    """Keep connections until the end of the block."""
    timeout = httpx.Timeout(patience.silence, connect=patience.connect, pool=patience.queue)
    async with httpx.AsyncClient(timeout=timeout, limits=_CONNECTIONS) as http:
        yield Transport(http, patience)

"""The port of metrics, which is apart from that of the API: granian serves one address only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Final

import structlog

from application.tasks import start_task
from entrypoints.settings.bind import Bind

_PATH: Final = b"/metrics"
_METHODS: Final = (b"GET", b"HEAD")
_EXCHANGE_TIMEOUT: Final = 10.0
"""Seconds for a request and its response."""
_MAX_HEAD_BYTES: Final = 8 * 1024
_MAX_CONNECTIONS: Final = 8
"""Of each worker. More are closed at once."""

_log = structlog.get_logger()


@asynccontextmanager
async def run_metrics_server(
    bind: Bind, content_type: str, render: Callable[[], Awaitable[bytes]]
) -> AsyncIterator[None]:
    """Serve `GET /metrics` until the end of the block. Everything else is a 404.

    Every worker listens on the same port, and the kernel chooses one for each connection.

    Args:
        bind: the address, with a resolved host.
        content_type: of the metrics.
        render: returns the metrics.

    Raises:
        OSError: it cannot listen.
    """
    exchanges = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(exchanges) >= _MAX_CONNECTIONS:
            writer.close()
            return
        exchange = start_task("serve_metrics", _exchange(reader, writer, content_type, render))
        exchanges.add(exchange)
        exchange.add_done_callback(exchanges.discard)

    server = await asyncio.start_server(
        serve, bind.host, bind.port, limit=_MAX_HEAD_BYTES, reuse_port=True
    )
    try:
        yield
    finally:
        server.close()
        for exchange in exchanges:
            exchange.cancel()
        await asyncio.gather(*exchanges, return_exceptions=True)


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    content_type: str,
    render: Callable[[], Awaitable[bytes]],
) -> None:
    # `drain` waits for the kernel to take all of the response, and so for a client that reads it.
    writer.transport.set_write_buffer_limits(0)
    try:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_EXCHANGE_TIMEOUT):
                writer.write(await _respond(reader, content_type, render))
                await writer.drain()
    except TimeoutError:
        _log.warning("metrics_not_sent", seconds=_EXCHANGE_TIMEOUT)
    finally:
        # `close` would wait for the client for ever, if there is a rest.
        writer.transport.abort()


async def _respond(
    reader: asyncio.StreamReader, content_type: str, render: Callable[[], Awaitable[bytes]]
) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.partition(b"\r\n")[0].split(b" ")
    except (ValueError, asyncio.LimitOverrunError):
        return _response(HTTPStatus.BAD_REQUEST)
    if method not in _METHODS or target.partition(b"?")[0] != _PATH:
        return _response(HTTPStatus.NOT_FOUND)
    try:
        body = await render()
    except Exception as error:  # noqa: BLE001 - the next request tries again
        _log.error("metrics_failed", exc_info=error)
        return _response(HTTPStatus.INTERNAL_SERVER_ERROR)
    head = _response(HTTPStatus.OK, f"Content-Type: {content_type}\r\n", len(body))
    return head if method == b"HEAD" else head + body


def _response(status: HTTPStatus, fields: str = "", length: int = 0) -> bytes:
    line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
    return f"{line}{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n".encode()

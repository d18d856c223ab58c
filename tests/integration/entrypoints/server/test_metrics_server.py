"""The port of metrics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from structlog.testing import capture_logs

from entrypoints.server import metrics_server
from entrypoints.server.metrics_server import run_metrics_server
from entrypoints.settings.bind import Bind
from tests.support.servers.process import free_ports
from tests.support.waiting import wait_until

METRICS = b"dialtone_x_total 1.0\n"


@asynccontextmanager
async def served(metrics: bytes = METRICS) -> AsyncIterator[int]:
    async def render() -> bytes:
        return metrics

    (port,) = free_ports(1)
    async with run_metrics_server(Bind("127.0.0.1", port), "text/plain", render):
        yield port


async def respond(port: int, request: bytes) -> bytes:
    """Return all bytes until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    response = await reader.read()
    writer.close()
    return response


async def test_it_serves_metrics_and_says_how_many_bytes_these_are() -> None:
    async with served() as port:
        head, _, body = (await respond(port, b"GET /metrics HTTP/1.1\r\n\r\n")).partition(
            b"\r\n\r\n"
        )
        assert await respond(port, b"HEAD /metrics?a=b HTTP/1.1\r\n\r\n") == head + b"\r\n\r\n"
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n")
    assert body == METRICS


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /metrics/ HTTP/1.1", b"404"),
        (b"POST /metrics HTTP/1.1", b"404"),
        (b"GET /" + 9_000 * b"x", b"400"),
    ],
)
async def test_nothing_else_is_reachable(line: bytes, status: bytes) -> None:
    async with served() as port:
        response = await respond(port, line + b"\r\n\r\n")
    assert response.split()[1] == status
    assert response.endswith(b"Content-Length: 0\r\nConnection: close\r\n\r\n")


async def test_a_client_that_sends_nothing_is_closed_and_does_not_keep_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served() as port:
        idle = await asyncio.open_connection("127.0.0.1", port)
        monkeypatch.setattr(metrics_server, "_EXCHANGE_TIMEOUT", 0.05)
        assert await respond(port, b"GET /metrics HTTP/1.1\r\n") == b""
    idle[1].close()


async def test_too_many_connections_are_closed_at_once() -> None:
    count = metrics_server._MAX_CONNECTIONS
    async with served() as port:
        connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count + 1)]
        assert await connections[-1][0].read() == b""
        for _, writer in connections:
            writer.close()


async def test_a_client_that_does_not_read_is_closed_and_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics_server, "_EXCHANGE_TIMEOUT", 0.05)
    body = bytes(32 * 1024 * 1024)  # more than the kernel takes for a client
    with capture_logs() as logs:
        async with served(body) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
            await wait_until(lambda: logs)
            received = 0
            with suppress(ConnectionError):
                while chunk := await reader.read(1024 * 1024):
                    received += len(chunk)
            writer.close()

    assert received < len(body)
    assert [line["event"] for line in logs] == ["metrics_not_sent"]

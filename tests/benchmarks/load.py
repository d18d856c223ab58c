"""HTTP load over persistent connections, with as little overhead as Python allows."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

CONNECTIONS: Final = 32
CLIENT_IPS: Final = 5_000
UNLIMITED: Final = {
    "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
    "DIALTONE_SMS_LIMIT_PER_IP": "5000/1m",
    "DIALTONE_SMS_COUNTRIES_PER_IP": "250",
    "DIALTONE_SMS_LIMIT_PER_RANGE": "5000/1m",
    "DIALTONE_SMS_LIMIT_PER_COUNTRY": "50000/1m",
    "DIALTONE_SMS_LIMIT_TOTAL": "50000/1m",
    "DIALTONE_VERIFY_LIMIT_PER_IP": "5000/1m",
    "DIALTONE_REQUEST_LIMIT_PER_IDENTITY": "1000000/1m",
    "DIALTONE_REFRESH_LIMIT_PER_IP": "1000000/1m",
}
"""Settings with which every request may name its IP and exceeds no limit that phones share."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The number of responses, the duration, and the latencies in ms, sorted."""

    responses: int
    seconds: float
    latencies: Sequence[float]
    statuses: frozenset[int]

    @property
    def rate(self) -> float:
        """Responses per second."""
        return self.responses / self.seconds

    def percentile(self, fraction: float) -> float:
        """Return the latency in ms that this fraction of the responses does not exceed."""
        index = int(len(self.latencies) * fraction)
        return self.latencies[min(len(self.latencies) - 1, index)]


def encode_request(
    method: str, path: str, *, token: str = "", body: str = "", client_ip: str = ""
) -> bytes:
    """Return a request as bytes, as a proxy forwards it from `client_ip`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += ["Content-Type: application/json"] if body else []
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"X-Forwarded-For: {client_ip}"] if client_ip else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def client_ip(number: int) -> str:
    """Return one of many IPs, from the range for benchmarks (RFC 2544)."""
    return f"198.18.{number % CLIENT_IPS // 250}.{number % 250 + 1}"


async def run_load(
    port: int,
    make_request: Callable[[int], bytes],
    seconds: float,
    on_body: Callable[[bytes], object] = len,
) -> LoadResult:
    """Send requests from all connections.

    Args:
        port: The port of the service on 127.0.0.1.
        make_request: Returns the request with the number 0, 1, ….
        seconds: How long to send.
        on_body: Receives each response body before its connection sends again.
    """
    started_at = time.perf_counter()
    stop_at = started_at + seconds
    latencies: list[float] = []
    statuses: set[int] = set()
    numbers = iter(range(10**9))

    async def send_requests() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < stop_at:
            sent_at = time.perf_counter()
            writer.write(make_request(next(numbers)))
            status, body = await read_response(reader)
            latencies.append((time.perf_counter() - sent_at) * 1000)
            statuses.add(status)
            on_body(body)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(send_requests() for _ in range(CONNECTIONS)))
    elapsed = time.perf_counter() - started_at
    return LoadResult(len(latencies), elapsed, sorted(latencies), frozenset(statuses))


async def read_response(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read a response and return its status and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return int(head[9:12]), await reader.readexactly(int(length or 0))

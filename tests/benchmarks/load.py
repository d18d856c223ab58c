"""A load of requests over kept connections, with as little of its own cost as Python has."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

CALLERS: Final = 32
ADDRESSES: Final = 5_000
ROOMY: Final = {
    "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
    "DIALTONE_SMS_LIMIT_PER_IP": "5000/1m",
    "DIALTONE_SMS_LIMIT_PER_COUNTRY": "50000/1m",
    "DIALTONE_SMS_LIMIT_TOTAL": "50000/1m",
    "DIALTONE_VERIFY_LIMIT_PER_IP": "5000/1m",
}
"""Every request may say where it comes from, and no budget that phones share is met."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How many answers came in how many seconds, and how long each took (sorted, in ms)."""

    answers: int
    seconds: float
    latencies: Sequence[float]
    statuses: frozenset[int]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def percentile(self, share: float) -> float:
        """The latency in ms that this share of the answers kept below."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))]


def a_request(
    method: str, path: str, *, token: str = "", body: str = "", address: str = ""
) -> bytes:
    """One request as bytes on the wire; a proxy says that it comes from `address`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"X-Forwarded-For: {address}"] if address else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def address_of(number: int) -> str:
    """One of many addresses, out of those that RFC 2544 keeps for measuring."""
    return f"198.18.{number % ADDRESSES // 250}.{number % 250 + 1}"


async def load(
    port: int,
    request: Callable[[int], bytes],
    seconds: float,
    heard: Callable[[bytes], object] = len,
) -> Measured:
    """Send `request(n)` for n = 0, 1, … from `CALLERS` connections for so long.

    `heard` is called with the body of each answer before its connection asks again.
    """
    started = time.perf_counter()
    end = started + seconds
    latencies: list[float] = []
    statuses: set[int] = set()
    counter = iter(range(10**9))

    async def call() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            before = time.perf_counter()
            writer.write(request(next(counter)))
            status, body = await answer(reader)
            latencies.append((time.perf_counter() - before) * 1000)
            statuses.add(status)
            heard(body)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    elapsed = time.perf_counter() - started
    return Measured(len(latencies), elapsed, sorted(latencies), frozenset(statuses))


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read an answer: its status and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return int(head[9:12]), await reader.readexactly(int(length or 0))

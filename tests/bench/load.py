"""A load of requests over kept connections, with as little of its own cost as Python has."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

CALLERS: Final = 32


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


def a_request(method: str, path: str, *, token: str = "", body: str = "") -> bytes:
    """One request as bytes on the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


async def load(port: int, request: Callable[[int], bytes], seconds: float) -> Measured:
    """Send `request(n)` for n = 0, 1, … from `CALLERS` connections for so long."""
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
            statuses.add(await _answer(reader))
            latencies.append((time.perf_counter() - before) * 1000)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    elapsed = time.perf_counter() - started
    return Measured(len(latencies), elapsed, sorted(latencies), frozenset(statuses))


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length or 0))
    return int(head[9:12])

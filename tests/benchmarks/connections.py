"""How fast others are served while clients hold connections, and when these are closed."""

import asyncio
import time
from pathlib import Path
from typing import Final

from tests.support.held_connections import (
    LARGE_RESPONSE,
    UNFINISHED_BODY,
    hold,
    request_latency,
)
from tests.support.service import Service, running

CONNECTIONS: Final = 2_000
"""Of each kind."""
SECONDS: Final = 60.0
_STEP_SECONDS: Final = 5.0
_PAUSE: Final = 0.01
_DEFAULT_LIMIT: Final = "1000"
_HIGH_LIMIT: Final = "10000"


async def measure_connections(folder: Path) -> None:
    """Print a line for every few seconds, and the percentiles of all requests of others.

    First with the default limit per IP, then as if each connection came from another IP.
    """
    for limit in (_DEFAULT_LIMIT, _HIGH_LIMIT):
        with running(folder / limit, {"DIALTONE_MAX_CONNECTIONS_PER_IP": limit}) as service:
            print(f"{CONNECTIONS} unfinished bodies, {CONNECTIONS} slow readers, limit {limit}")
            await asyncio.to_thread(_measure, service)


def _measure(service: Service) -> None:
    with (
        hold(service.port, CONNECTIONS, UNFINISHED_BODY) as bodies,
        hold(service.port, CONNECTIONS, LARGE_RESPONSE) as readers,
    ):
        began_at = time.perf_counter()
        latencies: list[float] = []
        print(f"{'s':>6}{'bodies':>8}{'readers':>9}{'requests':>10}{'p50 ms':>8}{'p99 ms':>8}")
        while time.perf_counter() - began_at < SECONDS:
            step = _request_latencies(service.port, _STEP_SECONDS)
            latencies += step
            print(
                f"{time.perf_counter() - began_at:>6.0f}{bodies.open:>8}{readers.open:>9}"
                f"{len(step):>10}{_percentile(step, 0.5):>8.1f}{_percentile(step, 0.99):>8.1f}"
            )
        latencies.sort()
        print(
            f"others: p50 {_percentile(latencies, 0.5):.1f} ms, "
            f"p99 {_percentile(latencies, 0.99):.1f} ms, highest {latencies[-1] * 1000:.0f} ms; "
            f"still open: {bodies.open + readers.open}"
        )


def _percentile(latencies: list[float], fraction: float) -> float:
    """Return the latency in ms that this fraction does not exceed."""
    return latencies[min(len(latencies) - 1, int(len(latencies) * fraction))] * 1000


def _request_latencies(port: int, seconds: float, timeout: float = 10.0) -> list[float]:
    """Return the latencies of requests that are sent for so many seconds, sorted.

    A request that takes long also counts for those that would have been sent meanwhile.
    """
    stop_at = time.perf_counter() + seconds
    latencies = []
    while time.perf_counter() < stop_at:
        latency = request_latency(port, timeout)
        latencies.append(latency)
        latencies += [latency - wait * _PAUSE for wait in range(1, int(latency / _PAUSE))]
        # A client that sends from time to time.
        time.sleep(_PAUSE)
    return sorted(latencies)

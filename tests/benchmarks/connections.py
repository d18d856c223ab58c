"""How fast others are served while clients hold connections, and when these are closed."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.support.held_connections import (
    LARGE_RESPONSE,
    UNFINISHED_BODY,
    hold,
    request_latency,
)
from tests.support.service import Service, running

CONNECTIONS: Final = 1_000
"""Of each kind."""
SECONDS: Final = 60
MAX_P99_MILLISECONDS: Final = 100
_STEP_SECONDS: Final = 5
_PAUSE: Final = 0.01
_MAX_WAITING: Final = 500
_DEFAULT_LIMIT: Final = "1000"
_HIGH_LIMIT: Final = "10000"


async def measure_connections(folder: Path) -> None:
    """Print a line for every few seconds, and the percentiles of all requests of others.

    First with the default limit per IP, then as if each connection came from another IP. Others
    send a request every 10 ms, from the moment in which the connections are opened, whether
    earlier requests have their responses or not.
    """
    for limit in (_DEFAULT_LIMIT, _HIGH_LIMIT):
        with running(folder / limit, {"DIALTONE_MAX_CONNECTIONS_PER_IP": limit}) as service:
            print(f"{CONNECTIONS} unfinished bodies, {CONNECTIONS} slow readers, limit {limit}")
            await _measure(service)


async def _measure(service: Service) -> None:
    latencies: list[float] = []
    with ExitStack() as stack:
        sending = asyncio.create_task(_send_requests(service.port, latencies))
        held = [
            await asyncio.to_thread(stack.enter_context, hold(service.port, CONNECTIONS, content))
            for content in (UNFINISHED_BODY, LARGE_RESPONSE)
        ]
        print(f"{'s':>6}{'bodies':>8}{'readers':>9}{'requests':>10}{'p50 ms':>8}{'p99 ms':>8}")
        shown = 0
        for second in range(_STEP_SECONDS, SECONDS + 1, _STEP_SECONDS):
            # The requests of others run meanwhile.
            await asyncio.sleep(_STEP_SECONDS)
            step, shown = latencies[shown:], len(latencies)
            print(
                f"{second:>6}{held[0].open:>8}{held[1].open:>9}{len(step):>10}"
                f"{_percentile(step, 0.5):>8.1f}{_percentile(step, 0.99):>8.1f}"
            )
        still_open = sum(connections.open for connections in held)
        sending.cancel()
    p99 = _percentile(latencies, 0.99)
    is_met = p99 <= MAX_P99_MILLISECONDS and not still_open
    print(
        f"others: p50 {_percentile(latencies, 0.5):.1f} ms, p99 {p99:.1f} ms, "
        f"highest {_percentile(latencies, 1):.0f} ms; still open: {still_open}; "
        f"aim (p99 {MAX_P99_MILLISECONDS} ms, none open): {'met' if is_met else 'not met'}"
    )


def _percentile(latencies: list[float], fraction: float) -> float:
    """Return the latency in ms that this fraction does not exceed."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] * 1000


async def _send_requests(port: int, latencies: list[float]) -> None:
    """Send a request every 10 ms, and add the latency of each one that ends."""

    async def send() -> None:
        latencies.append(await asyncio.to_thread(request_latency, port))

    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_MAX_WAITING))
    began_at = time.monotonic()
    async with asyncio.TaskGroup() as requests:
        for number in range(1, round(SECONDS / _PAUSE)):
            requests.create_task(send())
            # A client that sends on a schedule of its own.
            await asyncio.sleep(began_at + number * _PAUSE - time.monotonic())

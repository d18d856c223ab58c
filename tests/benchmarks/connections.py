"""How fast others are served while clients hold connections, and what is left of these."""

import asyncio
import multiprocessing
import resource
import ssl
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from tests.benchmarks.speed.processes import memory_mb
from tests.support.held_connections import (
    LARGE_RESPONSE,
    UNFINISHED_BODY,
    UNFINISHED_HEAD,
    hold,
    request_latency,
)
from tests.support.servers.nginx import Nginx
from tests.support.service import Service, running

MAX_P99_MILLISECONDS: Final = 150
MAX_SECONDS: Final = 45
"""In which all connections of an attack are closed."""
ATTACKS: Final[Mapping[str, tuple[int, bytes]]] = {
    "unfinished heads": (6_000, UNFINISHED_HEAD),
    "slow bodies": (4_000, UNFINISHED_BODY),
    "idle connections": (12_000, b""),
}
_OTHERS_IP: Final = "127.0.0.9"
_fork: Final = multiprocessing.get_context("fork")
_PAUSE: Final = 0.02
_MAX_WAITING: Final = 500
_REST_SECONDS: Final = 20
_DESCRIPTORS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Attack:
    """Connections to a port that send this and then hold the connection."""

    name: str
    count: int
    content: bytes
    port: int
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a worker has."""

    descriptors: int
    memory_mb: float

    @classmethod
    def of(cls, service: Service) -> "Footprint":
        """Return that of the first worker."""
        (worker, *_) = service.workers
        descriptors = len([*Path(f"/proc/{worker}/fd").iterdir()])
        return cls(descriptors, memory_mb(worker, "Rss"))

    def __str__(self) -> str:
        return f"{self.descriptors} descriptors, {self.memory_mb:.0f} MB"


async def measure_connections(folder: Path) -> None:
    """Attack one service in turn, then one behind nginx, and print the latencies of others.

    Others send 50 requests a second, each on a new connection, from the first connection of the
    attack until the last one is closed, whether earlier requests have their responses or not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, _DESCRIPTORS)), hard))
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_MAX_WAITING))
    with running(folder / "service") as service:
        for name, (count, content) in ATTACKS.items():
            await _measure(Attack(name, count, content, service.port), service)
    nginx = None
    with running(folder / "proxied", {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1"}) as service:
        try:
            nginx = Nginx(folder / "nginx", service.port).start()
            name = "stopped readers behind nginx"
            await _measure(Attack(name, 1_000, LARGE_RESPONSE, nginx.port, nginx.tls), service)
        finally:
            if nginx is not None:
                nginx.stop()


async def _measure(attack: Attack, service: Service) -> None:
    """Print what others notice of one attack, and what is left of it."""
    before = Footprint.of(service)
    latencies: list[float] = []
    with _run(attack) as attackers:
        began_at = time.monotonic()
        sending = asyncio.create_task(_send_requests(attack, latencies))
        opened_at, highest = await _receive(attackers), Footprint.of(service)
        shown = len(latencies)
        ended_at = await _receive(attackers)
        attacked = len(latencies)
        # The server returns memory while it is used.
        await asyncio.sleep(_REST_SECONDS)
        sending.cancel()
    after = Footprint.of(service)
    del latencies[attacked:]
    p99 = _percentile(latencies, 0.99)
    is_met = p99 <= MAX_P99_MILLISECONDS and ended_at is not None
    opened = f"{opened_at - began_at:.1f} s" if opened_at else "never"
    ended = f"{ended_at - began_at:.1f} s" if ended_at else "never"
    print(
        f"{attack.count} {attack.name}: open after {opened}, closed after {ended}\n"
        f"  others: {len(latencies)} requests, p50 {_percentile(latencies, 0.5):.1f} ms, "
        f"p99 {p99:.1f} ms, highest {_percentile(latencies, 1):.0f} ms; once all are open "
        f"p99 {_percentile(latencies[shown:], 0.99):.1f} ms\n"
        f"  worker: before {before}; meanwhile {highest}; after {after}\n"
        f"  aim (p99 {MAX_P99_MILLISECONDS} ms, none open): {'met' if is_met else 'not met'}"
    )


@contextmanager
def _run(attack: Attack) -> Iterator[Connection]:
    """Hold connections in another process; it sends the times when all are open, and closed."""
    receiving, sending = _fork.Pipe(duplex=False)
    process = _fork.Process(target=_hold_until_closed, args=(attack, sending))
    process.start()
    try:
        yield receiving
    finally:
        process.kill()
        process.join()


async def _receive(attackers: Connection) -> float | None:
    received: float | None = await asyncio.to_thread(attackers.recv)
    return received


def _hold_until_closed(attack: Attack, sending: Connection) -> None:
    with hold(attack.port, attack.count, attack.content, tls=attack.tls) as held:
        opened_at = time.monotonic()
        sending.send(opened_at)
        while held.open and time.monotonic() < opened_at + MAX_SECONDS:
            # There is no event for the last one that is closed.
            time.sleep(0.1)
        sending.send(None if held.open else time.monotonic())


def _percentile(latencies: list[float], fraction: float) -> float:
    """Return the latency in ms that this fraction does not exceed."""
    ordered = sorted(latencies) or [0.0]
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] * 1000


async def _send_requests(attack: Attack, latencies: list[float]) -> None:
    send_one = partial(request_latency, attack.port, client_ip=_OTHERS_IP, tls=attack.tls)

    async def send() -> None:
        latencies.append(await asyncio.to_thread(send_one))

    began_at = time.monotonic()
    number = 0
    async with asyncio.TaskGroup() as requests:
        while True:
            number += 1
            requests.create_task(send())
            # A client that sends on a schedule of its own.
            await asyncio.sleep(began_at + number * _PAUSE - time.monotonic())

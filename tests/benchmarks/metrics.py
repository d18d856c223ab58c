"""What metrics cost: the processor time of `GET /users/me` with and without them."""

import asyncio
import random
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, quantiles
from typing import Final

import httpx

from tests.benchmarks.load import UNLIMITED, encode_request, read_response
from tests.e2e.test_start import sign_in
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import free_ports
from tests.support.service import Service, running

SERVICES: Final = 4
"""Of each kind, all at the same time: two processes of one program differ by some percent."""
ROUNDS: Final = 60
"""Each has all services, one after the other."""
REQUESTS: Final = 200
"""Of each service and round."""
CONNECTIONS: Final = 8
_PHONE: Final = "+14155591001"
_WITH, _WITHOUT = "with", "without"


@dataclass(frozen=True, slots=True)
class _Measured:
    """A service, its request, and the seconds of a request in each round."""

    kind: str
    service: Service
    request: bytes
    seconds: list[float]


async def measure_metrics(folder: Path) -> None:
    """Print the processor time of a request with and without metrics, and the ratio."""
    with ExitStack() as stack:
        measured = []
        for number in range(2 * SERVICES):
            kind = _WITH if number % 2 else _WITHOUT
            service_folder = folder / str(number)
            service_folder.mkdir()
            service = stack.enter_context(running(service_folder, _settings(kind)))
            measured.append(_Measured(kind, service, _request_of_user(service), []))
        for number in range(ROUNDS + 1):
            for service_of_round in random.sample(measured, len(measured)):
                await _measure_round(service_of_round, is_kept=number > 0)  # the first one warms up
    means = {}
    for kind in (_WITHOUT, _WITH):
        # Other processes disturb a tenth of the rounds least.
        tenths = [quantiles(each.seconds, n=10)[0] for each in measured if each.kind == kind]
        means[kind] = mean(tenths)
        shown = ", ".join(f"{seconds * 1e6:.1f}" for seconds in tenths)
        print(f"{kind:7} {means[kind] * 1e6:.1f} us a request ({shown})")
    print(f"ratio   {means[_WITH] / means[_WITHOUT]:.3f}")


async def _measure_round(measured: _Measured, *, is_kept: bool) -> None:
    before = _processor_seconds(measured.service)
    await _load(measured.service, measured.request)
    if is_kept:
        spent = _processor_seconds(measured.service) - before
        measured.seconds.append(spent / REQUESTS)


def _settings(name: str) -> dict[str, str]:
    if name == _WITHOUT:
        return UNLIMITED
    (port,) = free_ports(1)
    return {**UNLIMITED, "DIALTONE_METRICS_BIND": f"127.0.0.1:{port}"}


def _request_of_user(service: Service) -> bytes:
    token = sign_in(service, _PHONE)
    response = httpx.post(
        f"{service.url}/users",
        json={"username": "Anna", "number": _PHONE},
        headers={"Authorization": f"Bearer {token}"},
        **PLAIN_HTTP,
    )
    assert response.is_success, response.text
    return encode_request("GET", "/users/me", token=token)


async def _load(service: Service, request: bytes) -> None:
    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        for _ in range(REQUESTS // CONNECTIONS):
            writer.write(request)
            status, _ = await read_response(reader)
            assert status == 200
        writer.close()

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))


def _processor_seconds(service: Service) -> float:
    """Return the time that the threads of the workers have run, in seconds."""
    threads = (file for pid in service.workers for file in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((file / "schedstat").read_text().split()[0]) for file in threads) / 1e9

"""`make bench`: ratios against a baseline of the same run, percentiles, memory.

The baseline is `GET /health/live`, which passes the server, the framework and our outer layer
and touches nothing else. Figures of one machine say little; their ratios say more.
"""

import asyncio
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

from tests.bench.commits import commits_per_second
from tests.bench.load import Measured, a_request, load
from tests.service import Service, running

SECONDS: Final = 4.0
USERS: Final = 40


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environ = {"DIALTONE_LOG_LEVEL": "warning", "DIALTONE_SMS": "console"}
        with running(Path(folder), environ) as service:
            await requests(service)
        await commits(Path(folder))


async def requests(service: Service) -> None:
    tokens = [sign_in(service, f"+1415555{number:04d}") for number in range(USERS)]

    def of_somebody(method: str, path: str) -> Callable[[int], bytes]:
        ready = [a_request(method, path, token=token) for token in tokens]
        return lambda number: ready[number % USERS]

    def ask(number: int) -> bytes:
        phone = f"+1{206 + number // 10_000_000:03d}{2_000_000 + number % 7_999_999:07d}"
        return a_request("POST", "/auth/request-otp", body=f'{{"phone": "{phone}"}}')

    def guess(number: int) -> bytes:
        phone = f"+1{206 + number // 10_000_000:03d}{2_000_000 + number % 7_999_999:07d}"
        body = f'{{"phone": "{phone}", "otp": "000000"}}'
        return a_request("POST", "/auth/verify-otp", body=body)

    live = a_request("GET", "/health/live")
    baseline = await load(service.port, lambda _: live, SECONDS)
    print(f"{'request':<44}{'per s':>8}{'ratio':>7}{'p50 ms':>8}{'p99 ms':>8}  statuses")
    show("GET /health/live (the baseline)", baseline, baseline)
    for name, request in (
        ("GET /users/me", of_somebody("GET", "/users/me")),
        ("GET /library", of_somebody("GET", "/library")),
        ("POST /auth/request-otp, a new phone each", ask),
        ("POST /auth/verify-otp, a wrong code each", guess),
    ):
        show(name, await load(service.port, request, SECONDS), baseline)
    print(f"memory of the worker: {worker_memory(service.pid)} MB resident")


async def commits(folder: Path) -> None:
    together = await commits_per_second(folder, together=True)
    alone = await commits_per_second(folder, together=False)
    print(
        f"durable writes: {together:.0f} per s from 32 callers, {alone:.0f} from one: "
        f"{together / alone:.1f} times as many"
    )


def show(name: str, measured: Measured, baseline: Measured) -> None:
    print(
        f"{name:<44}{measured.rate:>8.0f}{measured.rate / baseline.rate:>7.2f}"
        f"{measured.percentile(0.5):>8.1f}{measured.percentile(0.99):>8.1f}"
        f"  {', '.join(map(str, sorted(measured.statuses)))}"
    )


def sign_in(service: Service, phone: str) -> str:
    with httpx.Client(base_url=service.url, trust_env=False) as http:
        http.post("/auth/request-otp", json={"phone": phone})
        answer = {"phone": phone, "otp": service.code(phone)}
        token: str = http.post("/auth/verify-otp", json=answer).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        http.post("/users", json={"username": f"u {phone}", "number": phone}, headers=headers)
    return token


def worker_memory(parent: int) -> int:
    """Resident memory of the parent's first worker, in MB."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    status = Path(f"/proc/{children[0]}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) // 1024 if found else 0


if __name__ == "__main__":
    asyncio.run(main())

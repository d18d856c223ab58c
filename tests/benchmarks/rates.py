"""Rates and latencies of requests, and the rate of durable writes.

The baseline is `GET /health/live`, which runs the server, the framework and our middleware and
nothing else. Ratios to it say more than the figures of one machine.
"""

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from adapters.sqlite import open_sqlite_repositories
from application.ports.repositories import Repositories
from tests.benchmarks.load import UNLIMITED, LoadResult, client_ip, encode_request, run_load
from tests.support.builders import a_phone
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

SECONDS: Final = 4.0
USERS: Final = 40
WRITES: Final = 2_000
WRITERS: Final = 32


async def measure_rates(folder: Path) -> None:
    """Print a line for each kind of request over SQLite, and the rate of durable writes."""
    environ = {**UNLIMITED, "DIALTONE_LOG_LEVEL": "warning", "DIALTONE_SMS": "console"}
    with running(folder / "requests", environ) as service:
        await _measure_requests(service)
        print(f"memory of the worker: {_worker_memory(service.pid)} MB resident")
    await _measure_writes(folder)


async def _measure_requests(service: Service) -> None:
    users = [_log_in(service, number) for number in range(USERS)]
    refresh_tokens = deque(user["refresh_token"] for user in users)

    def get_as_user(path: str) -> Callable[[int], bytes]:
        requests = [encode_request("GET", path, token=user["access_token"]) for user in users]
        return lambda number: requests[number % USERS]

    def refresh(_: int) -> bytes:
        return _encode_post("/auth/refresh", {"refresh_token": refresh_tokens.popleft()})

    def keep_refresh_token(body: bytes) -> None:
        refresh_tokens.append(json.loads(body)["refresh_token"])

    def request_otp(number: int) -> bytes:
        return _encode_post("/auth/request-otp", {"phone": _phone(number)}, client_ip(number))

    def verify_wrong_otp(number: int) -> bytes:
        body = {"phone": _phone(number), "otp": "000000"}
        return _encode_post("/auth/verify-otp", body, client_ip(number))

    health_request = encode_request("GET", "/health/live")
    baseline = await run_load(service.port, lambda _: health_request, SECONDS)
    print(f"{'request':<44}{'per s':>8}{'ratio':>7}{'p50 ms':>8}{'p99 ms':>8}  statuses")
    _print_result("GET /health/live (the baseline)", baseline, baseline)
    for name, make_request in (
        ("GET /users/me", get_as_user("/users/me")),
        ("GET /library", get_as_user("/library")),
        ("POST /auth/request-otp, a new phone each", request_otp),
        ("POST /auth/verify-otp, a wrong code each", verify_wrong_otp),
    ):
        _print_result(name, await run_load(service.port, make_request, SECONDS), baseline)
    result = await run_load(service.port, refresh, SECONDS, keep_refresh_token)
    _print_result(f"POST /auth/refresh, {USERS} sessions", result, baseline)


def _encode_post(path: str, body: Mapping[str, str], from_ip: str = "") -> bytes:
    return encode_request("POST", path, body=json.dumps(body), client_ip=from_ip)


def _phone(number: int) -> str:
    return f"+1{206 + number // 7_999_999:03d}{2_000_000 + number % 7_999_999:07d}"


def _print_result(name: str, result: LoadResult, baseline: LoadResult) -> None:
    print(
        f"{name:<44}{result.rate:>8.0f}{result.rate / baseline.rate:>7.2f}"
        f"{result.percentile(0.5):>8.1f}{result.percentile(0.99):>8.1f}"
        f"  {', '.join(map(str, sorted(result.statuses)))}"
    )


def _log_in(service: Service, number: int) -> dict[str, Any]:
    """Create a user and return the tokens."""
    phone = f"+1415555{number:04d}"
    with httpx.Client(base_url=service.url, **PLAIN_HTTP) as http:
        http.post("/auth/request-otp", json={"phone": phone})
        body = {"phone": phone, "otp": service.code(phone), "refresh": True}
        tokens: dict[str, Any] = http.post("/auth/verify-otp", json=body).json()
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        http.post("/users", json={"username": f"u {phone}", "number": phone}, headers=headers)
    return tokens


def _worker_memory(parent: int) -> int:
    """Return the resident memory of the first worker in MB."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    status = Path(f"/proc/{children[0]}/status").read_text()
    resident = re.search(r"VmRSS:\s+(\d+)", status)
    return int(resident[1]) // 1024 if resident else 0


async def _measure_writes(folder: Path) -> None:
    """Print what group commit brings against one commit for each write."""
    together = await _writes_per_second(folder / "together.db", WRITERS)
    alone = await _writes_per_second(folder / "alone.db", 1)
    print(
        f"durable writes: {together:.0f} per s from {WRITERS} writers, {alone:.0f} from one: "
        f"{together / alone:.1f} times as many"
    )


async def _writes_per_second(path: Path, writers: int) -> float:
    async with open_sqlite_repositories(path, FakePhoneEncryption()) as repositories:
        started_at = time.perf_counter()
        await asyncio.gather(*(_write(repositories, first) for first in range(writers)))
        elapsed = time.perf_counter() - started_at
    return WRITES // WRITERS * writers / elapsed


async def _write(repositories: Repositories, first: int) -> None:
    for number in range(first, first + WRITES // WRITERS):
        phone = a_phone(number * WRITERS % 10_000)
        loaded = await repositories.phone_verifications.load(phone)
        await repositories.phone_verifications.replace(
            phone, loaded.value.assign_identity("x"), loaded.version
        )

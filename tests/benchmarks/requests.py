"""Rates and latencies of requests, against a baseline of the same run.

The baseline is `GET /health/live`, which passes the server, the framework and our outer layer
and touches nothing else. Figures of one machine say little; their ratios say more.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from tests.benchmarks.load import ROOMY, Measured, a_request, address_of, load
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

SECONDS: Final = 4.0
USERS: Final = 40


async def requests(folder: Path) -> None:
    """Print a line for each kind of request, over SQLite and the console."""
    environ = {**ROOMY, "DIALTONE_LOG_LEVEL": "warning", "DIALTONE_SMS": "console"}
    with running(folder / "requests", environ) as service:
        await _requests(service)
        print(f"memory of the worker: {_worker_memory(service.pid)} MB resident")


async def _requests(service: Service) -> None:
    users = [_sign_in(service, number) for number in range(USERS)]
    tokens = deque(user["refresh_token"] for user in users)

    def of_somebody(method: str, path: str) -> Callable[[int], bytes]:
        ready = [a_request(method, path, token=user["access_token"]) for user in users]
        return lambda number: ready[number % USERS]

    def refresh(_: int) -> bytes:
        return _posted("/auth/refresh", {"refresh_token": tokens.popleft()})

    def refreshed(body: bytes) -> None:
        tokens.append(json.loads(body)["refresh_token"])

    def ask(number: int) -> bytes:
        return _posted("/auth/request-otp", {"phone": _phone(number)}, address_of(number))

    def guess(number: int) -> bytes:
        body = {"phone": _phone(number), "otp": "000000"}
        return _posted("/auth/verify-otp", body, address_of(number))

    live = a_request("GET", "/health/live")
    baseline = await load(service.port, lambda _: live, SECONDS)
    print(f"{'request':<44}{'per s':>8}{'ratio':>7}{'p50 ms':>8}{'p99 ms':>8}  statuses")
    _show("GET /health/live (the baseline)", baseline, baseline)
    for name, request in (
        ("GET /users/me", of_somebody("GET", "/users/me")),
        ("GET /library", of_somebody("GET", "/library")),
        ("POST /auth/request-otp, a new phone each", ask),
        ("POST /auth/verify-otp, a wrong code each", guess),
    ):
        _show(name, await load(service.port, request, SECONDS), baseline)
    measured = await load(service.port, refresh, SECONDS, refreshed)
    _show(f"POST /auth/refresh, {USERS} sessions", measured, baseline)


def _posted(path: str, body: Mapping[str, str], address: str = "") -> bytes:
    return a_request("POST", path, body=json.dumps(body), address=address)


def _phone(number: int) -> str:
    return f"+1{206 + number // 7_999_999:03d}{2_000_000 + number % 7_999_999:07d}"


def _show(name: str, measured: Measured, baseline: Measured) -> None:
    print(
        f"{name:<44}{measured.rate:>8.0f}{measured.rate / baseline.rate:>7.2f}"
        f"{measured.percentile(0.5):>8.1f}{measured.percentile(0.99):>8.1f}"
        f"  {', '.join(map(str, sorted(measured.statuses)))}"
    )


def _sign_in(service: Service, number: int) -> dict[str, Any]:
    phone = f"+1415555{number:04d}"
    with httpx.Client(base_url=service.url, **PLAIN_HTTP) as http:
        http.post("/auth/request-otp", json={"phone": phone})
        answer = {"phone": phone, "otp": service.code(phone), "refresh": True}
        tokens: dict[str, Any] = http.post("/auth/verify-otp", json=answer).json()
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        http.post("/users", json={"username": f"u {phone}", "number": phone}, headers=headers)
    return tokens


def _worker_memory(parent: int) -> int:
    """Resident memory of the parent's first worker, in MB."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    status = Path(f"/proc/{children[0]}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) // 1024 if found else 0

"""The service or a worker is killed, stopped or blocked, under traffic or in a login.

The unit tests interrupt logins, refreshes and changes of the number at each of their calls. Here a
process that starts needs nothing from the memory of the one before.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from entrypoints.server.watchdog import END_TICKS
from tests.faults.faulty_service import run_faulty_service
from tests.faults.traffic import (
    BEHIND_A_PROXY,
    Acknowledged,
    Traffic,
    assert_acknowledged,
    open_client,
    run_traffic,
)
from tests.support.client import bearer, me, sign_in
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

ACKNOWLEDGED_BEFORE = 12
ACKNOWLEDGED_AFTER = 16
ACKNOWLEDGED_BEFORE_END = 20
SOON = {
    "entrypoints.server.watchdog.TICK_SECONDS": 4.0 / END_TICKS,
    "entrypoints.server.watchdog._REPORT_SECONDS": 0.1,
}
"""A blocked worker ends after four seconds."""
PHONE = {"phone": "+14155600001"}


async def end_under_traffic(service: Service, end: Callable[[], object]) -> Acknowledged:
    """End the service after some operations; return what it acknowledged until then."""
    async with open_client(service) as http:
        traffic = Traffic(service, http, survives_broken_connections=True)
        traffic.start()
        await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE_END)
        await asyncio.to_thread(end)
        await traffic.stop()
    assert traffic.failed == 0
    return traffic.acknowledged


async def test_a_killed_or_stopped_service_loses_nothing_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    with running(tmp_path, BEHIND_A_PROXY) as service:
        acknowledged = []
        for end in (service.kill, service.stop):
            acknowledged.append(await end_under_traffic(service, end))
            service.start()
        cleanup = service.run("cleanup")
        assert cleanup.returncode == 0, cleanup.stderr
        async with open_client(service) as http:
            for part in acknowledged:
                await assert_acknowledged(http, part)


async def test_a_killed_worker_fails_only_its_own_requests(tmp_path: Path) -> None:
    with running(tmp_path, {"DIALTONE_WORKERS": "2", **BEHIND_A_PROXY}) as service:

        def has_two_workers() -> bool:
            return len(service.workers) == 2

        async with run_traffic(service, survives_broken_connections=True) as traffic:
            await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
            os.kill(service.workers[0], signal.SIGKILL)
            await traffic.until_acknowledged(ACKNOWLEDGED_AFTER)
            await traffic.until(has_two_workers)
        assert traffic.failed == 0


def test_a_worker_whose_event_loop_is_blocked_ends_and_is_replaced(tmp_path: Path) -> None:
    with run_faulty_service(tmp_path, constants=SOON) as service:
        token = sign_in(service, "+14155590001")
        (worker,) = service.workers
        service.block_in("identities.load")
        with pytest.raises(httpx.TransportError):
            me(service, token)

        service.wait_until_logged("worker_ended")
        service.wait_for(lambda: len({*service.workers} - {worker}) == 1)
        service.wait_until_ready()
        assert me(service, token) == 404
        ended = next(line for line in service.lines if line["event"] == "worker_ended")
        assert "faulty_service" in ended["call"]


def test_the_same_code_completes_a_login_whose_session_was_not_saved(tmp_path: Path) -> None:
    with (
        run_faulty_service(tmp_path) as service,
        httpx.Client(base_url=service.url, timeout=30, **PLAIN_HTTP) as http,
    ):
        assert http.post("/auth/request-otp", json=PHONE).json()["sent"] is True
        code = {**PHONE, "otp": service.code(PHONE["phone"]), "refresh": True}
        service.kill_before("identities.add")
        with pytest.raises(httpx.TransportError):
            http.post("/auth/verify-otp", json=code)
        service.kill()
        assert not service.will_be_killed
        service.start()
        service.advance_clock(timedelta(seconds=50))

        tokens = http.post("/auth/verify-otp", json=code).json()

        assert tokens["success"] is True
        headers = bearer(tokens["access_token"])
        assert len(http.get("/auth/sessions", headers=headers).json()["sessions"]) == 1
        assert http.post("/auth/verify-otp", json=code).json()["success"] is False

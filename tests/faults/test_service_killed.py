"""The service or a part of it is killed or stopped, under traffic."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from tests.faults.traffic import (
    BEHIND_A_PROXY,
    Acknowledged,
    Traffic,
    assert_acknowledged,
    open_client,
    run_traffic,
)
from tests.support.service import Service, running

ACKNOWLEDGED_BEFORE = 12
ACKNOWLEDGED_AFTER = 16
ACKNOWLEDGED_BEFORE_END = 20


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

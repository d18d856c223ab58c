"""The service or a part of it is killed, stopped or loses its keys, under traffic."""

import asyncio
import os
import shutil
import signal
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

KILLS = 2
ACKNOWLEDGED_BEFORE = 12
ACKNOWLEDGED_AFTER = 16
ACKNOWLEDGED_BEFORE_KILL = 40


async def kill_under_traffic(service: Service, operations: int) -> Acknowledged:
    """Kill the service after so many operations; return what it acknowledged until then."""
    async with open_client(service) as http:
        traffic = Traffic(service, http, survives_broken_connections=True)
        await traffic.start()
        await traffic.until_acknowledged(operations)
        await asyncio.to_thread(service.kill)
        await traffic.stop()
    assert traffic.failed == 0
    return traffic.acknowledged


async def assert_all_acknowledged(service: Service, *acknowledged: Acknowledged) -> None:
    async with open_client(service) as http:
        for part in acknowledged:
            await assert_acknowledged(http, part)


async def test_a_killed_service_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    service = Service(tmp_path, BEHIND_A_PROXY)
    acknowledged = []
    for _ in range(KILLS):
        service.start()
        acknowledged.append(await kill_under_traffic(service, ACKNOWLEDGED_BEFORE_KILL))
    service.start()
    await assert_all_acknowledged(service, *acknowledged)
    cleanup = service.run("cleanup")
    assert cleanup.returncode == 0, cleanup.stderr
    await assert_all_acknowledged(service, *acknowledged)
    assert service.stop() == 0


async def test_a_stop_under_traffic_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with running(tmp_path, BEHIND_A_PROXY) as service:
        async with open_client(service) as http:
            traffic = Traffic(service, http, survives_broken_connections=True)
            await traffic.start()
            await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
            assert await asyncio.to_thread(service.stop) == 0
            await traffic.stop()
        assert traffic.failed == 0
        service.start()
        await assert_all_acknowledged(service, traffic.acknowledged)


async def test_missing_keys_are_an_error_at_the_next_start_only(tmp_path: Path) -> None:
    secrets_file, moved_file = tmp_path / "secrets.json", tmp_path / "moved.json"
    with running(tmp_path, BEHIND_A_PROXY) as service:
        async with run_traffic(service) as traffic:
            await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
            shutil.move(secrets_file, moved_file)
            await traffic.until_acknowledged(ACKNOWLEDGED_AFTER)
        assert service.stop() == 0
        start = service.run("run")
        assert (start.returncode, len(start.stderr.splitlines())) == (1, 1)
        assert str(secrets_file) in start.stderr
        shutil.move(moved_file, secrets_file)
        service.start()
        await assert_all_acknowledged(service, traffic.acknowledged)


async def test_a_killed_worker_fails_only_its_own_requests(tmp_path: Path) -> None:
    with running(tmp_path, {"DIALTONE_WORKERS": "2", **BEHIND_A_PROXY}) as service:

        def has_two_workers() -> bool:
            return len(service.workers) == 2

        async with run_traffic(service, survives_broken_connections=True) as traffic:
            for _ in range(2):
                await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
                os.kill(service.workers[0], signal.SIGKILL)
                await traffic.until_acknowledged(ACKNOWLEDGED_AFTER)
                await traffic.until(has_two_workers)
        assert traffic.failed == 0


async def test_a_killed_instance_does_not_affect_another_on_its_database(
    tmp_path: Path,
) -> None:
    shared = {
        "DIALTONE_DATABASE": f"sqlite:///{tmp_path}/shared.db",
        "DIALTONE_MEDIA": f"file://{tmp_path}/media",
        "DIALTONE_SECRETS_FILE": f"{tmp_path}/secrets.json",
        **BEHIND_A_PROXY,
    }
    with running(tmp_path / "first", shared) as first, running(tmp_path / "2", shared) as second:
        async with run_traffic(first) as traffic:
            acknowledged = await kill_under_traffic(second, ACKNOWLEDGED_BEFORE)
            await traffic.until_acknowledged(ACKNOWLEDGED_AFTER)
            assert traffic.failed == 0
        await assert_all_acknowledged(first, acknowledged)

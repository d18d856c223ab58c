"""The running service on disks that become full and have space again, under traffic."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.disks import ServiceOnDisks
from tests.faults.traffic import BEHIND_A_PROXY, run_traffic

ACKNOWLEDGED_BEFORE = 10
FAILED = 8
ACKNOWLEDGED_AFTER = 12


@contextmanager
def run(service: ServiceOnDisks) -> Iterator[ServiceOnDisks]:
    service.start()
    try:
        yield service
    finally:
        service.kill()


async def test_a_full_disk_loses_nothing_that_was_acknowledged(disk: Path, tmp_path: Path) -> None:
    environ = {
        "DIALTONE_DATABASE": f"sqlite:///{disk}/dialtone.db",
        "DIALTONE_MEDIA": f"file://{disk}/media",
        **BEHIND_A_PROXY,
    }
    with run(ServiceOnDisks(tmp_path / "service", {disk: "64m"}, environ)) as service:
        async with run_traffic(service) as traffic:
            for _ in range(2):
                await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
                await asyncio.to_thread(service.fill, disk)
                await traffic.until_failed(FAILED)
                service.free(disk)
                await traffic.until_acknowledged(ACKNOWLEDGED_AFTER)
        assert service.stop() == 0


async def test_a_log_on_a_full_disk_delays_no_request(disk: Path, tmp_path: Path) -> None:
    log_file = disk / "log"
    service = ServiceOnDisks(tmp_path / "service", {disk: "1m"}, BEHIND_A_PROXY, log_file)
    with run(service):
        async with run_traffic(service) as traffic:
            await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
            service.fill(disk)
            await traffic.until_acknowledged(ACKNOWLEDGED_AFTER)
            size = service.inside(log_file).stat().st_size
            service.free(disk)
            await traffic.until(lambda: service.inside(log_file).stat().st_size > size)
        assert service.stop() == 0

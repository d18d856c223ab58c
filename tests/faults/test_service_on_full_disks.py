"""The running service on a disk that becomes full and has space again, under traffic."""

import asyncio
from pathlib import Path

from tests.faults.disks import ServiceOnDisk
from tests.faults.traffic import BEHIND_A_PROXY, run_traffic

ACKNOWLEDGED_BEFORE = 10
FAILED = 8
ACKNOWLEDGED_AFTER = 12


async def test_a_full_disk_loses_nothing_that_was_acknowledged(disk: Path, tmp_path: Path) -> None:
    environ = {
        "DIALTONE_DATABASE": f"sqlite:///{disk}/dialtone.db",
        "DIALTONE_MEDIA": f"file://{disk}/media",
        **BEHIND_A_PROXY,
    }
    service = ServiceOnDisk(tmp_path / "service", disk, "64m", environ).start()
    try:
        async with run_traffic(service) as traffic:
            for _ in range(2):
                await traffic.until_acknowledged(ACKNOWLEDGED_BEFORE)
                await asyncio.to_thread(service.fill)
                await traffic.until_failed(FAILED)
                service.free()
                await traffic.until_acknowledged(ACKNOWLEDGED_AFTER)
        assert service.stop() == 0
    finally:
        service.kill()

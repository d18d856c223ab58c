"""The running service on a disk that becomes full and has space again."""

from pathlib import Path

import httpx

from tests.faults.disks import ServiceOnDisk
from tests.support.plain_http import PLAIN_HTTP


def test_readiness_reports_a_disk_with_little_space_and_fails_while_it_is_full(
    disk: Path, tmp_path: Path
) -> None:
    environ = {
        "DIALTONE_DATABASE": f"sqlite:///{disk}/dialtone.db",
        "DIALTONE_MEDIA": f"file://{disk}/media",
        "TMPDIR": str(disk),
    }
    service = ServiceOnDisk(tmp_path / "service", disk, "64m", environ).start()

    def is_ready(status_code: int, **parts: str) -> bool:
        response = httpx.get(f"{service.url}/health/ready", **PLAIN_HTTP)
        body = response.json()
        return response.status_code == status_code and parts.items() <= body.items()

    try:
        assert is_ready(200, status="ready", database="ok", media="ok", disk="ok")
        assert "disk_space_low" not in service.log

        service.fill(free_percent=4)
        service.wait_for(lambda: is_ready(200, status="ready", media="ok", disk="low"))
        service.wait_until_logged("disk_space_low")

        service.fill()
        full = {"media": "the disk is full", "disk": "low"}
        service.wait_for(lambda: is_ready(503, status="unavailable", **full))

        service.free()
        service.wait_for(lambda: is_ready(200, status="ready", media="ok", disk="ok"))
        assert service.log.count('"disk_space_low"') == 1
    finally:
        service.kill()

"""The running service on disks that become full and have space again, under traffic."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from PIL import Image

from tests.e2e.app import App
from tests.faults.disks import PAGE_SIZE, ServiceOnDisks
from tests.faults.responses import is_success
from tests.faults.traffic import BEHIND_A_PROXY, assert_no_crashed_request, run_traffic
from tests.support.images import encode, transparent_png
from tests.support.plain_http import PLAIN_HTTP

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


async def test_without_space_for_temporary_files_only_large_uploads_fail(
    disk: Path, tmp_path: Path
) -> None:
    environ = {"TMPDIR": str(disk)}
    large = encode(Image.effect_noise((2200, 2200), 100), "PNG")
    with run(ServiceOnDisks(tmp_path / "service", {disk: "16m"}, environ)) as service:
        async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=60) as http:
            app = App(service, http)
            account = await app.sign_up("+14155572001")
            await app.upload_item(account, large)
            for pages in (0, 1, 8, len(large) // PAGE_SIZE):
                service.fill(disk, leaving=pages * PAGE_SIZE)
                responses = await asyncio.gather(*(app.upload(account, large) for _ in range(2)))
                for response in responses:
                    assert not is_success(response, "POST /library/upload", 201)
                await app.upload_item(account, transparent_png())
                page = await http.get("/library", headers=account.headers)
                assert page.status_code == 200
                service.free(disk)
            await app.upload_item(account, large)
            page = await http.get("/library", headers=account.headers)
            assert page.json()["total"] == 6
        assert_no_crashed_request(service)
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

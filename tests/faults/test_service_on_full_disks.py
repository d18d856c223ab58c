"""The running service on disks that fill up in the middle of traffic, and have room again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.e2e.app import App
from tests.faults.answers import is_done
from tests.faults.small_disks import ServiceOnDisks
from tests.faults.traffic import BEHIND_A_PROXY, traffic_at
from tests.support.images import encode, transparent_png
from tests.support.plain_http import PLAIN_HTTP

BEFORE = 10
REFUSED = 8
AFTER = 12
PAGE = 4096


@contextmanager
def running_on(service: ServiceOnDisks) -> Iterator[ServiceOnDisks]:
    service.start()
    try:
        yield service
    finally:
        service.kill()


@pytest.mark.parametrize("what", ["records", "media", "both"])
async def test_a_disk_that_is_full_for_a_while_costs_nothing_that_was_acknowledged(
    disk: Path, tmp_path: Path, what: str
) -> None:
    environ = dict(BEHIND_A_PROXY)
    if what != "media":
        environ["DIALTONE_DATABASE"] = f"sqlite:///{disk}/dialtone.db"
    if what != "records":
        environ["DIALTONE_MEDIA"] = f"file://{disk}/media"
    with running_on(ServiceOnDisks(tmp_path / "service", {disk: "64m"}, environ)) as service:
        async with traffic_at(service) as traffic:
            for _ in range(2):
                await traffic.until_acknowledged(BEFORE)
                await asyncio.to_thread(service.fill, disk)
                await traffic.until_refused(REFUSED)
                service.free(disk)
                await traffic.until_acknowledged(AFTER)
        assert service.stop() == 0


async def test_without_room_for_what_arrives_an_upload_is_refused_and_all_else_goes_on(
    disk: Path, tmp_path: Path
) -> None:
    environ = {"TMPDIR": str(disk)}
    large = encode(Image.effect_noise((1200, 1200), 100), "PNG")
    with running_on(ServiceOnDisks(tmp_path / "service", {disk: "16m"}, environ)) as service:
        async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=60) as http:
            app = App(service, http)
            account = await app.sign_up("+14155572001")
            await app.upload_item(account, large)
            for pages in (0, 1, 2, 4, 8, len(large) // PAGE - 1, len(large) // PAGE):
                service.fill(disk, leaving=pages * PAGE)
                answers = await asyncio.gather(*(app.upload(account, large) for _ in range(2)))
                assert not any(is_done(one, "POST /library/upload", 201) for one in answers)
                await app.upload_item(account, transparent_png())
                page = await http.get("/library", headers=account.headers)
                assert page.status_code == 200
                service.free(disk)
            await app.upload_item(account, large)
            page = await http.get("/library", headers=account.headers)
            assert page.json()["total"] == 9
        assert '"request_crashed"' not in service.log
        assert service.stop() == 0


async def test_a_log_on_a_full_disk_stops_nothing(disk: Path, tmp_path: Path) -> None:
    log = disk / "log"
    service = ServiceOnDisks(tmp_path / "service", {disk: "1m"}, BEHIND_A_PROXY, log)
    with running_on(service):
        async with traffic_at(service) as traffic:
            await traffic.until_acknowledged(BEFORE)
            service.fill(disk)
            await traffic.until_acknowledged(AFTER)
            told = service.inside(log).stat().st_size
            service.free(disk)
            await traffic.until(lambda: service.inside(log).stat().st_size > told)
        assert service.stop() == 0

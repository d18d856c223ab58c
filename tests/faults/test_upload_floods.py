"""One member floods the service with uploads, and the others still upload."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import httpx
from PIL import Image

from tests.support.client import Account, sign_up, upload_form, upload_item
from tests.support.images import encode, exif, still_gif
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import ForkedService, Service

_RESIDENT: Final = re.compile(r"^(VmHWM|VmRSS):\s+(\d+) kB$", re.MULTILINE)


@contextmanager
def running(service: Service) -> Iterator[Service]:
    service.start()
    try:
        yield service
        assert "request_crashed" not in service.log
        assert service.stop() == 0
    finally:
        service.kill()


@asynccontextmanager
async def open_http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(
        base_url=service.url, **PLAIN_HTTP, timeout=120, limits=limits
    ) as http:
        yield http


def worker_memory(service: Service) -> dict[str, int]:
    """Return the peak and the current memory in MiB of all workers together."""
    found: dict[str, int] = {}
    for worker in service.workers:
        for name, kilobytes in _RESIDENT.findall(Path(f"/proc/{worker}/status").read_text()):
            found[name] = found.get(name, 0) + int(kilobytes) // 1024
    return found


async def memory_once_returned(service: Service, maximum: int) -> dict[str, int]:
    """Wait until the workers have less memory; return what they have at last."""
    deadline = time.monotonic() + 60
    while True:
        memory = worker_memory(service)
        if memory["VmRSS"] <= maximum or time.monotonic() > deadline:
            return memory
        # The kernel has no event for it.
        await asyncio.sleep(0.2)


async def upload(http: httpx.AsyncClient, account: Account, content: bytes) -> httpx.Response:
    form = upload_form(account, content)
    return await http.post("/library/upload", headers=account.headers, **form)


async def test_a_flood_of_large_images_keeps_no_other_member_from_uploading(tmp_path: Path) -> None:
    workers = 2
    environ = {"DIALTONE_WORKERS": str(workers)}
    # Its rotation needs a second copy of the pixels.
    rotated = {"exif": b"Exif\0\0" + exif(orientation=6)}
    bomb = encode(Image.new("RGB", (7071, 7071), "red"), "PNG", compress_level=9, **rotated)
    with running(ForkedService(tmp_path / "service", environ)) as service:
        async with open_http(service) as http:
            attacker = sign_up(service, "+14155572101")
            member = sign_up(service, "+14155572102")
            upload_item(service, member, still_gif())
            before = worker_memory(service)
            flood = [asyncio.create_task(upload(http, attacker, bomb)) for _ in range(12)]
            # The flood needs some time to arrive.
            await asyncio.sleep(0.2)
            uploads = [await upload(http, member, still_gif()) for _ in range(12)]
            responses = await asyncio.gather(*flood)
            after = await memory_once_returned(service, before["VmRSS"] + workers * 60)
    assert [response.status_code for response in uploads] == [201] * 12
    assert sorted(response.status_code for response in responses)[:2] == [201, 201]
    for response in responses:
        if response.status_code != 201:
            assert response.status_code == 503
            assert response.json()["code"] == "too_many_uploads"
            assert int(response.headers["Retry-After"]) == response.json()["retry_after"]
    # Without these limits, each thread of each worker needs 390 MiB for such an image.
    assert after["VmHWM"] - before["VmHWM"] < workers * 500
    assert after["VmRSS"] - before["VmRSS"] < workers * 60

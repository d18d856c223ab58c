"""While a member floods the service with uploads, others still upload."""

import asyncio
import re
from pathlib import Path
from typing import Final

import httpx
from PIL import Image

from tests.faults.traffic import open_client
from tests.support.client import Account, sign_up, upload_form, upload_item
from tests.support.images import encode, exif, still_gif
from tests.support.service import Service, running

WORKERS: Final = 2
_RESIDENT: Final = re.compile(r"^(VmHWM|VmRSS):\s+(\d+) kB$", re.MULTILINE)


def worker_memory(service: Service) -> dict[str, int]:
    """Return the peak and the current memory in MiB of all workers together."""
    found: dict[str, int] = {}
    for worker in service.workers:
        for name, kilobytes in _RESIDENT.findall(Path(f"/proc/{worker}/status").read_text()):
            found[name] = found.get(name, 0) + int(kilobytes) // 1024
    return found


async def test_a_flood_of_large_images_keeps_no_other_member_from_uploading(tmp_path: Path) -> None:
    # Its rotation needs a second copy of the pixels.
    rotated = {"exif": b"Exif\0\0" + exif(orientation=6)}
    bomb = encode(Image.new("RGB", (7071, 7071), "red"), "PNG", compress_level=9, **rotated)
    with running(tmp_path / "service", {"DIALTONE_WORKERS": str(WORKERS)}) as service:
        async with open_client(service) as http:

            async def upload(account: Account, content: bytes) -> httpx.Response:
                form = upload_form(account, content)
                return await http.post("/library/upload", headers=account.headers, **form)

            attacker = sign_up(service, "+14155572101")
            member = sign_up(service, "+14155572102")
            upload_item(service, member, still_gif())
            before = worker_memory(service)
            flood = [asyncio.create_task(upload(attacker, bomb)) for _ in range(12)]
            # The flood needs some time to arrive.
            await asyncio.sleep(0.2)
            uploads = [await upload(member, still_gif()) for _ in range(12)]
            responses = await asyncio.gather(*flood)
            # Without these limits, each thread of each worker needs 390 MiB for such an image.
            assert worker_memory(service)["VmHWM"] - before["VmHWM"] < WORKERS * 500
            service.wait_for(
                lambda: worker_memory(service)["VmRSS"] - before["VmRSS"] < WORKERS * 60
            )
        assert "request_crashed" not in service.log
    assert [response.status_code for response in uploads] == [201] * 12
    assert sorted(response.status_code for response in responses)[:2] == [201, 201]
    for response in responses:
        if response.status_code != 201:
            assert response.status_code == 503
            assert response.json()["code"] == "too_many_uploads"
            assert int(response.headers["Retry-After"]) == response.json()["retry_after"]

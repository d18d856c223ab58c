"""One member floods the service with uploads, and the others still upload."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import httpx
from PIL import Image

from tests.e2e.app import Account, App
from tests.faults.disks import ServiceOnDisks
from tests.support.images import encode, exif, still_gif
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

MIB: Final = 1024 * 1024
SENT_BYTES: Final = 15 * MIB
ANNOUNCED_BYTES: Final = 19 * MIB
LARGE_PNG: Final = encode(Image.frombytes("RGB", (1200, 1200), os.urandom(3 * 1200**2)), "PNG")
"""It is larger than what an upload keeps in memory."""
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
async def open_app(service: Service) -> AsyncIterator[App]:
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(
        base_url=service.url, **PLAIN_HTTP, timeout=120, limits=limits
    ) as http:
        yield App(service, http)


def worker_memory(service: Service) -> dict[str, int]:
    """Return the peak and the current memory in MiB of all workers together."""
    found: dict[str, int] = {}
    for worker in service.workers:
        for name, kilobytes in _RESIDENT.findall(Path(f"/proc/{worker}/status").read_text()):
            found[name] = found.get(name, 0) + int(kilobytes) // 1024
    return found


async def memory_once_returned(service: Service, maximum: int) -> dict[str, int]:
    """Wait until the workers have less memory; return what they have at last."""
    deadline = time.monotonic() + 10
    while True:
        memory = worker_memory(service)
        if memory["VmRSS"] <= maximum or time.monotonic() > deadline:
            return memory
        # The kernel has no event for it.
        await asyncio.sleep(0.2)


async def upload_again(app: App, account: Account) -> None:
    """Upload until the service has noticed that the clients before have left."""
    deadline = time.monotonic() + 10
    while (await app.upload(account, LARGE_PNG)).status_code != 201:
        assert time.monotonic() < deadline


class HeldUpload:
    """An upload that waits for "100 Continue", sends a part of its body and then nothing."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(
        cls, service: Service, account: Account, announced: int = ANNOUNCED_BYTES
    ) -> "HeldUpload":
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        head = (
            "POST /library/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
            f"Authorization: Bearer {account.token}\r\nContent-Length: {announced}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        writer.write(head.encode())
        return cls(reader, writer)

    async def status(self) -> int:
        """Return the first status: 100, or that of the response."""
        line = await asyncio.wait_for(self._reader.readline(), 30)
        return int(line.split()[1])

    async def response(self) -> bytes:
        """Return the response after "100 Continue"."""
        assert await asyncio.wait_for(self._reader.readline(), 30) == b"\r\n"
        return await self.body()

    async def body(self) -> bytes:
        """Return the rest of the response."""
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 30)
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
        return head + await self._reader.readexactly(length)

    async def send(self, size: int = SENT_BYTES) -> None:
        self._writer.write(
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        )
        for _ in range(size // MIB):
            self._writer.write(bytes(MIB))
            await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        await asyncio.wait({asyncio.ensure_future(self._writer.wait_closed())})


async def test_a_flood_of_large_images_delays_no_other_member(tmp_path: Path) -> None:
    workers = 2
    environ = {"DIALTONE_WORKERS": str(workers)}
    # Its rotation needs a second copy of the pixels.
    rotated = {"exif": b"Exif\0\0" + exif(orientation=6)}
    bomb = encode(Image.new("RGB", (7071, 7071), "red"), "PNG", compress_level=9, **rotated)
    with running(Service(tmp_path / "service", environ)) as service:
        async with open_app(service) as app:
            attacker = await app.sign_up("+14155572101")
            member = await app.sign_up("+14155572102")
            await app.upload_item(member, still_gif())
            before = worker_memory(service)
            flood = [asyncio.create_task(app.upload(attacker, bomb)) for _ in range(44)]
            # The flood needs some time to arrive.
            await asyncio.sleep(0.2)
            uploads = [await app.upload(member, still_gif()) for _ in range(12)]
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


async def test_held_uploads_of_many_members_end_for_those_who_upload(
    disk: Path, tmp_path: Path
) -> None:
    environ = {"TMPDIR": str(disk), "DIALTONE_UPLOAD_MIN_RATE": "4MB"}
    service = ServiceOnDisks(tmp_path / "service", {disk: "64m"}, environ)
    with running(service):
        async with open_app(service) as app:
            attackers = [await app.sign_up(f"+1415557210{number}") for number in range(6)]
            member = await app.sign_up("+14155572201")
            held = [await HeldUpload.open(service, one) for one in attackers for _ in range(2)]
            assert {await upload.status() for upload in held} == {100}
            # Each holds five of its 19 MiB, together nearly all of the disk.
            for upload in held:
                await upload.send(5 * MIB)
            await asyncio.sleep(5)  # they are slow from then on
            for upload in held:
                await upload.send(0)  # so that none of them ends because it sends nothing
            await app.upload_item(member, still_gif())
            for _ in range(5):
                await app.upload_item(member, LARGE_PNG)
            # The slowest ended first: which ones, depends on the machine. Their responses come
            # after two seconds, in which they could have sent the rest.
            responding = [asyncio.create_task(upload.response()) for upload in held]
            responded, waiting = await asyncio.wait(responding, timeout=4)
            for task in waiting:
                task.cancel()
            for upload in held:
                await upload.close()
            ended = [head for task in responded if b" 503 " in (head := task.result())]
            assert ended
            assert all(b"retry-after: " in head for head in ended)
            await upload_again(app, attackers[0])


async def test_one_member_has_two_uploads_in_all_workers(tmp_path: Path) -> None:
    with running(Service(tmp_path / "service", {"DIALTONE_WORKERS": "2"})) as service:
        async with open_app(service) as app:
            attacker = await app.sign_up("+14155572101")
            member = await app.sign_up("+14155572102")
            held = [await HeldUpload.open(service, attacker) for _ in range(60)]
            statuses = [await upload.status() for upload in held]
            assert sorted(statuses) == [100] * 2 + [503] * 58
            assert b"too_many_uploads" in await held[statuses.index(503)].body()
            await app.upload_item(member, LARGE_PNG)
            for upload in held:
                await upload.close()
            await upload_again(app, attacker)

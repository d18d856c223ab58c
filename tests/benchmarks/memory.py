"""Peak memory of a worker and its decoders: large uploads, and a page of many items."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from PIL import Image

from tests.e2e.app import Account, App
from tests.support.images import encode, still_gif
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

MB: Final = 1_000_000
USERS: Final = 8
LARGE_UPLOAD: Final = 200 * MB
PAGE: Final = 100
_SAMPLE_SECONDS: Final = 0.01
_BOUNDARY: Final = "b"


async def measure_memory(folder: Path) -> None:
    """Print the peaks above the memory at rest. Those of all processes of the service are added."""
    photo = await asyncio.to_thread(_photo)
    print(f"a photo has {len(photo) / MB:.1f} MB")
    with running(folder / "default", {"DIALTONE_MAX_UPLOAD_SIZE": "20MB"}) as service:
        async with _open_app(service) as app:
            users = [await app.sign_up(f"+1415557210{number}") for number in range(USERS)]
            await app.upload_item(users[0], still_gif())
            await _print_peak(
                service, "200 MB announced, rejected by size", _send(app, users[0], LARGE_UPLOAD)
            )
            await _print_peak(
                service,
                "200 MB in chunks, rejected by size",
                _send(app, users[0], LARGE_UPLOAD, is_announced=False),
            )
            await _print_peak(
                service,
                f"{USERS} uploads of {len(photo) / MB:.0f} MB by {USERS} users",
                asyncio.gather(*(app.upload(user, photo) for user in users)),
            )
            await asyncio.gather(*(app.upload_item(users[1], still_gif()) for _ in range(2)))
            for _ in range(PAGE):
                await app.upload_item(users[2], still_gif())
            page = app.http.get(f"/library?per_page={PAGE}", headers=users[2].headers)
            await _print_peak(service, f"a page of {PAGE} items", page)
    with running(folder / "large", {"DIALTONE_MAX_UPLOAD_SIZE": "250MB"}) as service:
        async with _open_app(service) as app:
            user = await app.sign_up("+14155572100")
            await app.upload_item(user, still_gif())
            await _print_peak(
                service, "200 MB received, rejected as no image", _send(app, user, LARGE_UPLOAD)
            )


async def _print_peak(service: Service, title: str, request: Awaitable[Any]) -> None:
    at_rest = peak = _memory(service)
    sending = asyncio.ensure_future(request)
    while not sending.done():
        peak = max(peak, await asyncio.to_thread(_memory, service))
        await asyncio.sleep(_SAMPLE_SECONDS)  # between two samples
    result = sending.result()
    responses = result if isinstance(result, Sequence) else [result]
    statuses = sorted({response.status_code for response in responses})
    print(f"{title:<44}status {statuses}: {peak:4.0f} MB, {peak - at_rest:4.0f} MB above rest")


def _memory(service: Service) -> float:
    """Return the proportional memory (PSS) of the workers and their children in MB."""
    return sum(map(_pss, [pid for worker in service.workers for pid in _family(worker)])) / MB


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        tasks = [*Path(f"/proc/{pid}/task").iterdir()]
        children = [
            int(child) for task in tasks for child in (task / "children").read_text().split()
        ]
    except OSError:
        return  # it has ended
    for child in map(int, children):
        yield from _family(child)


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(
        int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")
    )


@asynccontextmanager
async def _open_app(service: Service) -> AsyncIterator[App]:
    async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=120) as http:
        yield App(service, http)


async def _send(app: App, user: Account, size: int, *, is_announced: bool = True) -> httpx.Response:
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="user_id"\r\n\r\n{user.user_id}\r\n'
        f"--{_BOUNDARY}\r\nContent-Disposition: form-data;"
        ' name="file"; filename="a.jpg"\r\n\r\n'
    ).encode()
    tail = f"\r\n--{_BOUNDARY}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}", **user.headers}
    if is_announced:
        headers["Content-Length"] = str(len(head) + size + len(tail))

    async def body() -> AsyncIterator[bytes]:
        yield head
        for _ in range(size // MB):
            yield bytes(MB)
        yield tail

    try:
        return await app.http.post("/library/upload", content=body(), headers=headers)
    except httpx.TransportError:
        return httpx.Response(413)  # it was closed after the response


def _photo() -> bytes:
    """Return a JPEG of 18 MB; noise compresses badly."""
    noise = Image.frombytes("RGB", (4800, 3900), os.urandom(3 * 4800 * 3900))
    return encode(noise, "JPEG", quality=92)

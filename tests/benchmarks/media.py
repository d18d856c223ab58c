"""What images cost: the slowest decode, the memory, and what others wait for meanwhile."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx
from PIL import Image

from tests.benchmarks.load import UNLIMITED
from tests.e2e.app import Account, App
from tests.support.images import encode, sample_image
from tests.support.service import Service, running

USERS: Final = 8
UPLOAD_BYTES: Final = 18_000_000
CLIENTS_OF_ONE_USER: Final = 2
PAUSE: Final = 0.01
MAX_DECODE_SECONDS: Final = 2.0
MAX_MEMORY_MB: Final = 500
MAX_P99_MILLISECONDS: Final = 50
_SETTINGS: Final = {**UNLIMITED, "DIALTONE_IMAGE_MEGAPIXELS_PER_HOUR": "10000000"}


async def measure_media(folder: Path) -> None:
    """Print the figures, each with its aim. Each image is the first one after a restart."""
    for name, content in _images().items():
        with running(folder / name, _SETTINGS) as service:
            async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
                account = await App(service, http).sign_up("+919876500001")
                seconds = await _upload(http, account, content)
                print(
                    f"{name:<22}{len(content) / 1e6:5.1f} MB {seconds:5.2f} s"
                    f" (aim {MAX_DECODE_SECONDS}), peak {_peak_mb(service):4.0f} MB"
                    f" with the worker (aim {MAX_MEMORY_MB})"
                )
    with running(folder / "load", _SETTINGS) as service:
        await _measure_load(service)


async def _measure_load(service: Service) -> None:
    content = _photo(4_000, 3_000)
    content += bytes(UPLOAD_BYTES - len(content))
    async with httpx.AsyncClient(base_url=service.url, timeout=120) as http:
        app = App(service, http)
        accounts = [await app.sign_up(f"+9198765000{number:02}") for number in range(USERS)]
        uploads = asyncio.gather(*(_upload(http, account, content) for account in accounts))
        latencies = await _latencies(http, uploads)
        seconds = sorted(await uploads)
        print(
            f"{USERS} users upload {UPLOAD_BYTES / 1e6:.0f} MB each: {seconds[0]:.2f} to"
            f" {seconds[-1]:.2f} s; /health/live p50 {latencies[len(latencies) // 2]:.1f} ms, p99"
            f" {latencies[len(latencies) * 99 // 100]:.1f} ms (aim {MAX_P99_MILLISECONDS})"
            f" of {len(latencies)}; peak {_peak_mb(service):.0f} MB"
        )
        many = [
            asyncio.create_task(_repeat(http, accounts[0], content))
            for _ in range(CLIENTS_OF_ONE_USER)
        ]
        await asyncio.sleep(1)  # until its uploads fill the queue
        others = [await _upload(http, accounts[1], _photo(400, 300)) for _ in range(5)]
        for task in many:
            task.cancel()
        print(f"a small image while another user uploads all the time: {max(others):.2f} s at most")


def _images() -> Mapping[str, bytes]:
    large = sample_image(8_000, 6_200, "RGBA")
    return {
        "12 MP JPEG": _photo(4_000, 3_000),
        "50 MP JPEG": _photo(8_000, 6_200, subsampling=0),
        "64 MP progressive JPEG": _photo(9_248, 6_936, progressive=True),
        "108 MP JPEG": _photo(12_000, 9_000),
        "50 MP PNG": encode(large, "PNG", compress_level=1),
        "48 MP AVIF": encode(large.crop((0, 0, 8_000, 6_000)).convert("RGB"), "AVIF", speed=10),
        "50 MP WebP": encode(large.convert("RGB"), "WEBP", method=0),
        "100 frames of 1 MP": _animation(),
    }


def _photo(width: int, height: int, **options: bool | int) -> bytes:
    noise = Image.effect_noise((1_000, 1_000), 40).resize((width, height)).convert("RGB")
    image = Image.blend(sample_image(width, height), noise, 0.3)
    return encode(image, "JPEG", quality=85, **options)


def _animation() -> bytes:
    frames = [sample_image(1_000, 1_000).rotate(number).quantize(64) for number in range(100)]
    return encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=40)


async def _upload(http: httpx.AsyncClient, account: Account, content: bytes) -> float:
    began_at = time.perf_counter()
    response = await http.post(
        "/library/upload",
        files={"file": ("image", content)},
        data={"user_id": account.user_id},
        headers={"Authorization": f"Bearer {account.token}"},
    )
    assert response.status_code == 201, response.text
    return time.perf_counter() - began_at


async def _repeat(http: httpx.AsyncClient, account: Account, content: bytes) -> None:
    while True:
        await _upload(http, account, content)


async def _latencies(http: httpx.AsyncClient, until: "asyncio.Future[list[float]]") -> list[float]:
    latencies = []
    while not until.done():
        began_at = time.perf_counter()
        assert (await http.get("/health/live")).status_code == 200
        latencies.append((time.perf_counter() - began_at) * 1000)
        await asyncio.sleep(PAUSE)  # a client that checks at intervals
    return sorted(latencies)


def _peak_mb(service: Service) -> float:
    """Return the highest memory of the first worker and its decoders."""
    (worker, *_) = service.workers
    children = Path(f"/proc/{worker}/task").glob("*/children")
    decoders = " ".join(file.read_text() for file in children).split()
    return sum(map(_high_water_mb, [worker, *map(int, decoders)]))


def _high_water_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))

"""What one member's reads of a large library cost others, without a limit of requests."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx

from adapters.records.database import Database
from adapters.records.features.media import make_media_repositories
from tests.benchmarks.databases import open_databases, open_repositories
from tests.stateful.http_driver import without_logs
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_phone, an_id
from tests.support.http_app import open_http_client
from tests.support.media.builders import an_item

ITEMS: Final = 200_000
ADDED_AT_ONCE: Final = 1_000
CONNECTIONS: Final = 64
SECONDS: Final = 4.0
PATHS: Final[Mapping[str, str | None]] = {
    "nothing": None,
    "the first page": "/library",
    "a category of a third of all items": "/library?category=art",
    "a category without items": "/library?category=nothing",
    "a late page": "/library?page=1000",
    "readiness": "/health/ready",
}


async def measure_reads(folder: Path) -> None:
    """Print, for each load over both databases, the latency of others' requests."""
    with open_databases(folder) as databases, without_logs():
        for name, create_database in databases.items():
            with create_database() as url:
                async with open_repositories(url) as repositories:
                    await _add_items(repositories.stores)
                    harness = AppHarness(repositories=repositories)
                    member, other = [await _headers(harness, number) for number in (1, 2)]
                    async with open_http_client(harness.use_cases) as http:
                        for title, path in PATHS.items():
                            result = await _measure(http, member, other, path)
                            print(f"{name:<8}{CONNECTIONS} connections read {title:<36}{result}")


async def _measure(
    http: httpx.AsyncClient,
    member: Mapping[str, str],
    other: Mapping[str, str],
    path: str | None,
) -> str:
    stop_at = time.perf_counter() + SECONDS
    reads = 0
    waits: list[float] = []

    async def read_pages() -> None:
        nonlocal reads
        while path is not None and time.perf_counter() < stop_at:
            response = await http.get(path, headers=member)
            assert response.status_code == 200, response.text
            reads += 1

    async def read_own_user() -> None:
        while time.perf_counter() < stop_at:
            began_at = time.perf_counter()
            await http.get("/auth/sessions", headers=other)
            waits.append((time.perf_counter() - began_at) * 1000)
            await asyncio.sleep(0.01)  # others send less than the member

    await asyncio.gather(read_own_user(), *(read_pages() for _ in range(CONNECTIONS)))
    return f"{reads / SECONDS:>6.0f} per s; others wait {_percentiles(sorted(waits))}"


def _percentiles(waits: Sequence[float]) -> str:
    p50, p99 = (waits[int(len(waits) * fraction)] for fraction in (0.5, 0.99))
    return f"{p50:.1f} ms (p50), {p99:.1f} ms (p99)"


async def _headers(harness: AppHarness, number: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {await harness.access_token(a_phone(number))}"}


async def _add_items(database: Database) -> None:
    items = make_media_repositories(database).items
    for first in range(0, ITEMS, ADDED_AT_ONCE):
        await asyncio.gather(
            *(
                items.add(
                    an_item(
                        id=an_id(number),
                        owner_id=an_id(10**7 + number % 1000),
                        category=("art", "cars", None)[number % 3],
                        created_at=NOW + timedelta(seconds=number),
                    )
                )
                for number in range(first, first + ADDED_AT_ONCE)
            )
        )

"""A library of a million items: pages by every combination of filters, first and deep inside."""

import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient

from adapters.records.features.media import MEDIA_ITEMS, make_media_repositories
from adapters.records.mapping import RecordMapping
from application.ports.media import MediaItems
from domain.cursor import Cursor
from domain.media.image import MediaKind
from domain.media.item import MediaItem
from domain.media.page import ItemFilter
from entrypoints.settings.database_parsers import parse_database
from tests.benchmarks.databases import open_databases, open_repositories
from tests.benchmarks.speed.seed import insert
from tests.integration.mongo_support import examined_keys, open_logged
from tests.support.builders import NOW, an_id
from tests.support.media.builders import a_gif, an_item

ITEMS: Final = 1_000_000
OWNERS: Final = 5_000
PER_PAGE: Final = 100
ROUNDS: Final = 50
CATEGORIES: Final = (None, None, None, "art", "art", "cars", "dogs", "food", "sea", "rare")
"""One GIF in ten items; a category in seven of ten; each owner has 200 items."""
FILTERS: Final = [
    ItemFilter(*values)
    for values in itertools.product((None, an_id(7)), (None, MediaKind.GIF), (None, "cars"))
]
DEEP: Final = NOW + timedelta(seconds=ITEMS // 2)


async def measure_library(folder: Path) -> None:
    """Print, for each database, the time of pages and what MongoDB reads for each item."""
    with open_databases(folder) as databases:
        for name, create_database in databases.items():
            with create_database() as url:
                async with open_repositories(url):
                    pass  # it creates the schema
                began_at = time.perf_counter()
                _fill(url)
                print(f"{name}: {ITEMS:,} items added in {time.perf_counter() - began_at:.0f} s")
                async with open_repositories(url) as repositories:
                    for item_filter in FILTERS:
                        await _measure(
                            name, make_media_repositories(repositories.stores).items, item_filter
                        )
                if name == "MongoDB":
                    await _print_reads(url)


async def _measure(name: str, pages: MediaItems, item_filter: ItemFilter) -> None:
    cursor = Cursor(DEEP, an_id(0))
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "first page": lambda: pages.list_page(item_filter, 0, PER_PAGE),
        "deep page": lambda: pages.list_after(item_filter, cursor, PER_PAGE),
        "count": lambda: pages.count(item_filter, 10_001),
    }
    texts = []
    for title, call in calls.items():
        times = []
        for _ in range(ROUNDS):
            began_at = time.perf_counter()
            await call()
            times.append((time.perf_counter() - began_at) * 1000)
        times.sort()
        texts.append(f"{title} {times[ROUNDS // 2]:5.1f} ms (p99 {times[-1]:5.1f})")
    print(f"{name:<8}{_title(item_filter):<24}{'; '.join(texts)}")


async def _print_reads(url: str) -> None:
    async with open_logged(url) as (stores, log):
        items = make_media_repositories(stores).items
        with MongoClient[dict[str, Any]](url) as client:
            database = client.get_default_database()
            for item_filter in FILTERS:
                log.sent.clear()
                page = await items.list_after(item_filter, Cursor(DEEP, an_id(0)), PER_PAGE)
                finds = [one for one in log.sent if one.get("find") == "media_items"]
                keys = sum(examined_keys(client, database.name, find) for find in finds)
                ratio = keys / max(len(page), 1)
                print(f"MongoDB {_title(item_filter):<24}{ratio:.2f} index entries for each item")
            sizes: Mapping[str, int] = database.command("collStats", "media_items")["indexSizes"]
            for index, size in sizes.items():
                print(f"MongoDB {index:<32}{size / ITEMS:6.0f} bytes for each item")


def _fill(url: str) -> None:
    insert(parse_database(url), RecordMapping(MEDIA_ITEMS, MediaItem), _make_items())


def _make_items() -> Iterator[MediaItem]:
    chance = random.Random(1)
    for number in range(ITEMS):
        yield (a_gif if chance.random() < 0.1 else an_item)(
            id=an_id(number),
            owner_id=an_id(number % OWNERS),
            category=chance.choice(CATEGORIES),
            created_at=NOW + timedelta(seconds=number),
            storage_key=f"{chance.getrandbits(128):032x}.jpg",
        )


def _title(item_filter: ItemFilter) -> str:
    names = [name for name in ("owner_id", "kind", "category") if getattr(item_filter, name)]
    return "+".join(names) or "all"

"""Rate limits in documents after lost responses; the contract suite has what they promise."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.collection import Collection

from adapters.mongo import open_mongo_repositories
from adapters.mongo.database import Database
from adapters.mongo.driver import RawDocument
from adapters.records.rate_limits import SUB_PERIODS, RateLimitRecord, acquire
from application.ports.errors import StorageTimeout
from application.ports.otp import RateLimiter
from domain.otp.rate_limits import Part, RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.servers.http_server import TcpProxy

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AVAILABLE_AGAIN = NOW + HOUR + MINUTE
"""When a permit of now no longer counts."""


@pytest.fixture
async def limiter(emptied_mongo_database: str) -> AsyncIterator[RateLimiter]:
    async with open_mongo_repositories(emptied_mongo_database, FakePhoneEncryption()) as opened:
        yield opened.rate_limiter


@pytest.fixture
def collection(emptied_mongo_database: str) -> Iterator[Collection[RawDocument]]:
    options = CodecOptions[RawDocument](tz_aware=True)
    with MongoClient[RawDocument](emptied_mongo_database) as client:
        yield client.get_default_database().get_collection("rate_limits", options)


async def test_a_part_without_a_document_is_no_full_part_for_parallel_reservations(
    limiter: RateLimiter, collection: Collection[RawDocument]
) -> None:
    for day in range(30):
        parts = [RateLimit(f"{day} part {number}", SlidingWindow(50, HOUR)) for number in (1, 2)]
        divided = (tuple(Part((part,)) for part in parts),)
        reservations = (Reservation(f"{day} {n}", NOW, (), divided=divided) for n in range(10))
        await asyncio.gather(*map(limiter.acquire, reservations))

    assert collection.find_one({"_id": {"$regex": "part 2"}}) is None


async def test_increments_and_pipelines_count_like_the_record(
    limiter: RateLimiter, collection: Collection[RawDocument]
) -> None:
    """The record counts for SQLite, and the contract suite has smaller limits."""
    random = Random(1)
    limits = [RateLimit(f"{size}", SlidingWindow(size, HOUR)) for size in (10, 12, 30)]
    records: dict[str, RateLimitRecord] = {}
    made: list[tuple[Reservation, Sequence[tuple[RateLimit, datetime]]]] = []
    now = NOW
    for number in range(1_000):
        # Most of the time clocks differ by less than the skew; sometimes nothing happens for long.
        now += random.choice([timedelta(0), MINUTE, MINUTE, MINUTE, 5 * HOUR * (number % 50 == 0)])
        behind = timedelta(seconds=random.choice([0, 0, 0, 25]))
        one = Reservation(f"{number}", now - behind, (limits[1 + number % 2], limits[0]))
        if made and random.random() < 0.3:
            released, counted = made.pop(random.randrange(len(made)))
            await limiter.release(released)
            for limit, begins_at in counted:
                records[limit.name].release(begins_at)
            continue
        expected = acquire(one, {name: deepcopy(record) for name, record in records.items()})
        available_at = await limiter.acquire(one)
        assert available_at == (expected if isinstance(expected, datetime) else None), number
        if not isinstance(expected, datetime):
            records |= expected.limits
            made.append((one, expected.reservation.released(one.limits)))

    for document in collection.find({"total": {"$exists": True}}):
        counters = document["counters"]
        assert list(counters) == sorted(counters)
        assert len(counters) <= 3 * SUB_PERIODS
        assert document["total"] == sum(counters.values())
        assert document["oldest"] == next(iter(counters))
        assert document["newest"] == max(counters)


async def test_permits_that_are_released_leave_no_counters(
    limiter: RateLimiter, collection: Collection[RawDocument]
) -> None:
    limit = RateLimit("total", SlidingWindow(600, HOUR))
    for minute in range(2 * SUB_PERIODS):
        one = Reservation(f"{minute}", NOW + minute * MINUTE, (limit,))
        assert await limiter.acquire(one) is None
        await limiter.release(one)

    document = collection.find_one({"_id": "total"}) or {}
    assert (document["counters"], document["total"]) == ({}, 0)


async def test_what_was_confirmed_before_a_write_with_an_unknown_result_is_released(
    limiter: RateLimiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, *parts = (RateLimit(name, SlidingWindow(1, HOUR)) for name in ("a", "part 1", "part 2"))
    divided = (tuple(Part((part,)) for part in parts),)
    await limiter.acquire(Reservation("1", NOW, (parts[0],)))
    run, calls = Database.run, itertools.count(1)

    async def lose_third_response(self: Database, *arguments: Any) -> Any:
        number, result = next(calls), await run(self, *arguments)
        if number == 3:
            raise StorageTimeout
        return result

    # The first write confirms the permit of `own` and stops at a part, which the read finds full.
    monkeypatch.setattr(Database, "run", lose_third_response)
    with pytest.raises(StorageTimeout):
        await limiter.acquire(Reservation("2", NOW, (own,), divided=divided))

    available = [
        await limiter.next_available(Reservation("3", NOW, (one,))) for one in (own, parts[1])
    ]
    assert available == [NOW, AVAILABLE_AGAIN]


async def test_a_write_whose_response_is_lost_is_repeated_and_counts_once(
    emptied_mongo_database: str, collection: Collection[RawDocument]
) -> None:
    limit = RateLimit("total", SlidingWindow(6, HOUR))
    with TcpProxy(emptied_mongo_database) as proxy:
        host = proxy.url.removeprefix("http://")
        url = urlsplit(emptied_mongo_database)._replace(netloc=host).geturl()
        async with open_mongo_repositories(url, FakePhoneEncryption()) as repositories:
            limiter = repositories.rate_limiter
            # What the driver sends in an update begins with the name of the collection.
            proxy.loses_response_to = b"update\0\x0c\0\0\0rate_limits"
            reservations = (Reservation(f"{number}", NOW, (limit,)) for number in range(7))
            acquired = await asyncio.gather(*map(limiter.acquire, reservations))
            assert acquired.count(None) == 6

    assert proxy.lost_responses == 1
    document = collection.find_one({"_id": "total"}) or {}
    assert list(document["counters"].values()) == [6]

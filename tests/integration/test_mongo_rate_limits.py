"""How rate limits are stored in documents; the contract suite proves what they promise."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.collection import Collection

from adapters.mongo import open_mongo_repositories
from adapters.mongo.driver import RawDocument
from application.ports.rate_limiter import RateLimiter
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from tests.integration.mongo_support import CommandLog, open_logged
from tests.support.builders import NOW
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.servers.http_server import TcpProxy

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AVAILABLE_AGAIN = NOW + HOUR + MINUTE
"""When a permit of now no longer counts."""


@pytest.fixture
async def opened(emptied_mongo_database: str) -> AsyncIterator[tuple[RateLimiter, CommandLog]]:
    async with open_logged(emptied_mongo_database) as (repositories, log):
        yield repositories.rate_limiter, log


@pytest.fixture
def limiter(opened: tuple[RateLimiter, CommandLog]) -> RateLimiter:
    return opened[0]


@pytest.fixture
def collection(emptied_mongo_database: str) -> Iterator[Collection[RawDocument]]:
    options = CodecOptions[RawDocument](tz_aware=True)
    with MongoClient[RawDocument](emptied_mongo_database) as client:
        yield client.get_default_database().get_collection("rate_limits", options)


def reservation(number: int, limit: int, *others: RateLimit, minutes: int = 0) -> Reservation:
    limits = (RateLimit("total", SlidingWindow(limit, HOUR)), *others)
    return Reservation(f"{number}", NOW + minutes * MINUTE, limits)


async def acquire_many(limiter: RateLimiter, count: int, limit: int) -> int:
    """Make that many reservations at once; return how many were accepted."""
    reservations = (limiter.acquire(reservation(number, limit)) for number in range(count))
    return (await asyncio.gather(*reservations)).count(None)


async def test_a_full_limit_is_rejected_without_a_write(
    limiter: RateLimiter, collection: Collection[RawDocument]
) -> None:
    await acquire_many(limiter, 2, 2)
    before = list(collection.find())

    assert await limiter.acquire(reservation(3, 2)) == AVAILABLE_AGAIN

    assert list(collection.find()) == before
    assert [one["available_at"] for one in before if one["_id"] == "total"] == [AVAILABLE_AGAIN]


@pytest.mark.parametrize("limit", [1, 200])
async def test_a_rejected_reservation_sends_as_many_commands_for_a_small_and_a_large_limit(
    opened: tuple[RateLimiter, CommandLog], limit: int
) -> None:
    limiter, log = opened
    assert await acquire_many(limiter, limit, limit) == limit
    smaller = RateLimit("smaller", SlidingWindow(max(1, limit - 1), HOUR))
    log.sent.clear()

    assert await limiter.acquire(reservation(limit, limit)) is not None
    assert log.names == ["update", "find"]
    log.sent.clear()
    # The permit of the smaller limit is released.
    assert await limiter.acquire(reservation(limit, limit, smaller)) is not None
    assert log.names == ["update", "update", "find"]


async def test_a_write_whose_response_is_lost_is_repeated_and_counts_once(
    emptied_mongo_database: str, collection: Collection[RawDocument]
) -> None:
    with TcpProxy(emptied_mongo_database) as proxy:
        host = proxy.url.removeprefix("http://")
        url = urlsplit(emptied_mongo_database)._replace(netloc=host).geturl()
        async with open_mongo_repositories(url, FakePhoneEncryption()) as repositories:
            limiter = repositories.rate_limiter
            # What the driver sends in an update begins with the name of the collection.
            proxy.loses_response_to = b"update\0\x0c\0\0\0rate_limits"
            assert await acquire_many(limiter, 7, 6) == 6

    assert proxy.lost_responses == 1
    document = collection.find_one({"_id": "total"}) or {}
    assert document["counters"] == [{"begins_at": NOW, "count": 6}]

"""How rate limits are stored in documents; the contract suite proves what they promise."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from adapters.mongo import open_mongo_repositories
from adapters.mongo.driver import RawDocument
from adapters.mongo.rate_limit_documents import MAX_RESERVATIONS
from application.ports.repositories import Repositories
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from tests.integration.mongo_support import open_logged
from tests.support.builders import NOW
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.servers.http_server import TcpProxy

HOUR = timedelta(hours=1)


@pytest.fixture
async def repositories(emptied_mongo_database: str) -> AsyncIterator[Repositories]:
    async with open_mongo_repositories(
        emptied_mongo_database, FakePhoneEncryption()
    ) as repositories:
        yield repositories


@pytest.fixture
def collection(emptied_mongo_database: str) -> Iterator[Collection[RawDocument]]:
    with MongoClient[RawDocument](emptied_mongo_database) as client:
        yield client.get_default_database()["rate_limits"]


def reservation(number: int, limit: int) -> Reservation:
    return Reservation(
        f"reservation {number}", NOW, (RateLimit("total", SlidingWindow(limit, HOUR)),)
    )


async def test_a_large_limit_is_spread_over_documents_of_limited_size(
    repositories: Repositories, collection: Collection[RawDocument]
) -> None:
    for number in range(250):
        assert await repositories.rate_limiter.acquire(reservation(number, 250)) is None

    sizes = [len(document["reservations"]) for document in collection.find()]
    assert sum(sizes) == 250
    assert max(sizes) <= MAX_RESERVATIONS


async def test_fields_of_a_newer_version_survive(
    repositories: Repositories, collection: Collection[RawDocument]
) -> None:
    await repositories.rate_limiter.acquire(reservation(1, 5))
    collection.update_one({}, {"$set": {"unknown": 1, "reservations.0.unknown": 2}})

    await repositories.rate_limiter.acquire(reservation(2, 5))
    await repositories.rate_limiter.release(reservation(2, 5))

    [document] = collection.find()
    assert document["unknown"] == 1
    assert [stored["unknown"] for stored in document["reservations"]] == [2]


async def test_reservations_that_arrive_together_share_an_update(
    emptied_mongo_database: str, collection: Collection[RawDocument]
) -> None:
    async with open_logged(emptied_mongo_database) as (repositories, log):
        limiter = repositories.rate_limiter
        # If both groups created the same document, one of them would have to try again.
        number = 100
        while collection.count_documents({}) < 2:
            await limiter.acquire(reservation(number, 200))
            number += 1
        log.sent.clear()
        reservations = [reservation(number, 200) for number in range(25)]
        accepted = await asyncio.gather(*map(limiter.acquire, reservations))
        documents = {
            document["_id"]: {stored["id"] for stored in document["reservations"]}
            for document in collection.find()
        }
        await limiter.release(reservations[0])

    *acquired, released = (command["updates"] for command in log.sent)
    ids = {one.id for one in reservations}
    assert accepted == [None] * 25
    # Two groups of callers.
    assert [len(updates) for updates in acquired] == [1, 1]
    assert ids == set.union(*(stored & ids for stored in documents.values()))
    [document_id] = released[0]["q"]["_id"]["$in"]
    assert reservations[0].id in documents[document_id]


async def test_a_write_whose_response_is_lost_is_repeated_and_counts_once(
    emptied_mongo_database: str, collection: Collection[RawDocument]
) -> None:
    with TcpProxy(emptied_mongo_database) as proxy:
        host = proxy.url.removeprefix("http://")
        url = urlsplit(emptied_mongo_database)._replace(netloc=host).geturl()
        async with open_mongo_repositories(url, FakePhoneEncryption()) as repositories:
            limiter = repositories.rate_limiter
            await limiter.acquire(reservation(0, 6))
            # What the driver sends in an update begins with the name of the collection.
            proxy.loses_response_to = b"update\0\x0c\0\0\0rate_limits"
            accepted = await asyncio.gather(
                *(limiter.acquire(reservation(number, 6)) for number in range(1, 6))
            )
            rejected = await limiter.acquire(reservation(6, 6))

    [document] = collection.find()
    assert proxy.lost_responses == 1
    assert accepted == [None] * 5
    assert rejected == NOW + HOUR
    assert sorted(one["id"] for one in document["reservations"]) == [
        reservation(number, 6).id for number in range(6)
    ]


async def test_reservations_of_a_full_limit_are_rejected_together(
    emptied_mongo_database: str,
) -> None:
    async with open_logged(emptied_mongo_database) as (repositories, log):
        limiter = repositories.rate_limiter
        await limiter.acquire(reservation(0, 1))
        rejected = await asyncio.gather(*(limiter.acquire(reservation(n, 1)) for n in range(1, 9)))

    assert rejected == [NOW + HOUR] * 8
    # Two groups of callers, whose searches may be one.
    assert log.names.count("update") == 3
    assert log.names.count("find") in {1, 2}
    assert set(log.names) == {"update", "find"}

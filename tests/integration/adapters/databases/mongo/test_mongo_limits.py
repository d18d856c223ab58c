"""Limits in documents: what instances write, and what becomes of lost responses.

The contract suite has what they promise.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from pymongo import MongoClient
from pymongo.collection import Collection

from adapters.databases.mongo import limit_store
from adapters.databases.mongo.database import MongoDatabase
from adapters.databases.mongo.driver import RawDocument
from adapters.databases.mongo.limit_store import MAX_ROUNDS
from adapters.databases.records import limits as counting
from adapters.databases.records.database import Database
from application.ports.errors import ConcurrencyConflict
from application.ports.limits import LimitStore
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow
from tests.contract.mongo_database import contract_database_url
from tests.integration.adapters.databases.mongo.mongo_support import CommandLog, open_logged
from tests.support.builders import NOW

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Opened = tuple[Database, CommandLog]

# All tests share the two open instances: to open them takes longer than most tests.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_instances(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Opened, Opened]]:
    url = contract_database_url(request)
    async with open_logged(url) as first, open_logged(url) as second:
        yield first, second


@pytest.fixture
def instances(
    open_instances: tuple[Opened, Opened],
    emptied_mongo_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Opened, Opened]:
    """Two instances of the service on one database, and what each sends.

    A limit is read if it has no room, and at no other time.
    """
    monkeypatch.setattr(limit_store, "READ_PROBABILITY", 0)
    monkeypatch.setattr(limit_store, "READ_SECONDS", 0)
    for _, log in open_instances:
        log.sent.clear()
    return open_instances


@pytest.fixture
def limits(instances: tuple[Opened, Opened]) -> LimitStore:
    return instances[0][0].limits


@pytest.fixture
def collection(emptied_mongo_database: str) -> Iterator[Collection[RawDocument]]:
    with MongoClient[RawDocument](emptied_mongo_database, tz_aware=True) as client:
        yield client.get_default_database()["limits"]


def a_limit(limit: int, subject: str = "total", name: str = "requests") -> RateLimit:
    return RateLimit(subject, LimitPurpose.DELIVERIES, name, SlidingWindow(limit, HOUR))


async def acquire_many(limits: LimitStore, count: int, *parts: RateLimit) -> int:
    """Acquire in parallel, each by a call; return how many were acquired."""
    outcomes = await asyncio.gather(*(limits.acquire(parts, NOW) for _ in range(count)))
    return outcomes.count(None)


def add_old_permit(collection: Collection[RawDocument]) -> None:
    """Add a permit that is too old to count: there is room, and only a read finds it."""
    change = {"version": 1, "windows.requests.counters.1": 1, "windows.requests.total": 1}
    collection.update_one({"_id": "total:deliveries"}, {"$inc": change})


async def test_parallel_calls_are_one_write_and_do_not_conflict_with_those_of_other_instances(
    instances: tuple[Opened, Opened], collection: Collection[RawDocument]
) -> None:
    shared = a_limit(100_000)
    await instances[0][0].limits.acquire([shared], NOW)
    for _, log in instances:
        log.sent.clear()

    for _ in range(20):
        await asyncio.gather(
            *(acquire_many(database.limits, 5, shared) for database, _ in instances),
        )

    for _, log in instances:
        assert log.names == ["update"] * 20
    document = collection.find_one() or {}
    assert document["windows"]["requests"]["total"] == 201


async def test_a_full_limit_is_read_and_not_written_for_a_second(
    emptied_mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit_store, "READ_PROBABILITY", 0)
    full, free = a_limit(1, "full"), a_limit(1, "free")
    async with open_logged(emptied_mongo_database) as (database, log):
        await database.limits.acquire([full], NOW)
        # The second part of the write is what it had got of the other limit.
        assert await acquire_many(database.limits, 10, full, free) == 0
        log.sent.clear()

        for _ in range(3):
            assert await acquire_many(database.limits, 10, full, free) == 0

        assert log.names == ["find"] * 3


async def test_updates_count_like_the_shared_functions(
    instances: tuple[Opened, Opened], collection: Collection[RawDocument]
) -> None:
    random, (limits, other_limits) = Random(1), (database.limits for database, _ in instances)
    sizes = [a_limit(size, "total", f"of_{size}") for size in (10, 12, 30)]
    records: counting.LimitRecords = {}
    made: list[tuple[tuple[RateLimit, ...], datetime]] = []
    now = NOW
    for number in range(400):
        # Most of the time clocks differ by less than the skew; sometimes nothing happens for long.
        now += random.choice([timedelta(0), MINUTE, MINUTE, MINUTE, 5 * HOUR * (number % 25 == 0)])
        behind = timedelta(seconds=random.choice([0, 0, 0, 25]))
        store = (limits, other_limits)[number % 2]
        if made and random.random() < 0.3:
            released, acquired_at = made.pop(random.randrange(len(made)))
            await store.release(released, acquired_at)
            counting.release(released, records, acquired_at)
            continue
        of_both, at = (sizes[1 + number % 2], sizes[0]), now - behind
        outcome = await store.acquire(of_both, at)
        assert outcome == counting.acquire(of_both, records, at), number
        if outcome is None:
            made.append((of_both, at))

    document = collection.find_one() or {}
    for window in document["windows"].values():
        assert window["total"] == sum(window["counters"].values())
        assert min(window["counters"].values(), default=0) >= 0
    assert max(len(one["counters"]) for one in document["windows"].values()) <= (
        counting.MAX_COUNTERS + 1
    )
    assert document["expires_at"] == records["total:deliveries"].expires_at


async def test_a_record_that_others_change_each_time_is_a_conflict_and_nothing_is_held(
    limits: LimitStore, collection: Collection[RawDocument], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, contested = a_limit(9, "own"), a_limit(2)
    await limits.acquire([contested, own], NOW)
    run, reads = MongoDatabase.run, itertools.count()
    add_old_permit(collection)

    async def change_after_read(self: MongoDatabase, call: Any) -> Any:
        result = await run(self, call)
        if isinstance(result, list):
            next(reads)
            add_old_permit(collection)
        return result

    with monkeypatch.context() as patched:
        patched.setattr(MongoDatabase, "run", change_after_read)
        with pytest.raises(ConcurrencyConflict):
            await limits.acquire([own, contested], NOW)

    assert next(reads) == MAX_ROUNDS
    document = collection.find_one({"_id": "own:deliveries"}) or {}
    assert document["windows"]["requests"]["total"] == 1
    assert await limits.acquire([contested], NOW) is None

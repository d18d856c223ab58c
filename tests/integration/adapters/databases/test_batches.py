"""Reads by id, writes and changes of limits that arrive together, over fakes."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.databases.records.batch_loader import BatchLoader
from adapters.databases.records.batches import BatchQueue, Entry
from adapters.databases.records.limit_batches import (
    Change,
    ChangeOutcome,
    LimitBatches,
    apply_changes,
)
from adapters.databases.records.limits import LimitRecords
from application.ports.current_request import CURRENT_REQUEST, CurrentRequest, current_log_fields
from application.ports.errors import (
    CorruptRecord,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW


async def run_until_all_wait() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


# Reads.


class FakeCollection:
    """A collection that replies when the test says so, with the values of the time of the read."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.fetched: list[Sequence[str]] = []
        self.replies: list[asyncio.Future[None]] = []
        """The replies to the batches: each batch waits for its own."""

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, str]:
        self.fetched.append(keys)
        values = {key: self.values[key] for key in keys if key in self.values}
        self.replies.append(asyncio.get_running_loop().create_future())
        await self.replies[-1]
        return values

    def reply_to_all(self) -> None:
        for reply in self.replies:
            if not reply.done():
                reply.set_result(None)


@pytest.fixture
def collection() -> FakeCollection:
    return FakeCollection()


@pytest.fixture
def loader(collection: FakeCollection) -> BatchLoader[str]:
    return BatchLoader(collection.fetch)


async def start_loading(loader: BatchLoader[str], *keys: str) -> list[asyncio.Task[str | None]]:
    tasks = [asyncio.create_task(loader.load(key)) for key in keys]
    await run_until_all_wait()
    return tasks


async def test_keys_that_arrive_together_are_one_batch_with_each_key_once(
    collection: FakeCollection, loader: BatchLoader[str]
) -> None:
    collection.values = {"a": "1", "c": "3"}
    assert await loader.load_many([]) == {}
    many = asyncio.create_task(loader.load_many(["a", "b", "a"]))
    tasks = await start_loading(loader, "a", "b", "c", "a")

    collection.reply_to_all()

    assert await asyncio.gather(*tasks) == ["1", None, "3", "1"]
    assert await many == {"a": "1"}
    assert collection.fetched == [["a", "b", "c"]]


async def test_a_key_that_arrives_later_is_read_again(
    collection: FakeCollection, loader: BatchLoader[str]
) -> None:
    collection.values = {"a": "before"}
    [early] = await start_loading(loader, "a")
    collection.values = {"a": "after"}
    [late] = await start_loading(loader, "a")
    collection.reply_to_all()
    assert (await early, await late) == ("before", "after")


async def test_an_error_of_the_database_reaches_all_callers_of_its_batch_and_no_others(
    collection: FakeCollection, loader: BatchLoader[str]
) -> None:
    collection.values = {"a": "1", "c": "3", "d": "4"}
    failed = await start_loading(loader, "a", "b", "a")
    others = [task for key in "cd" for task in await start_loading(loader, key)]

    collection.replies[0].set_exception(StorageUnavailable("down"))
    await run_until_all_wait()
    collection.reply_to_all()

    results = await asyncio.gather(*failed, return_exceptions=True)
    assert [type(result) for result in results] == [StorageUnavailable] * 3
    # What one of them adds to its own, such as a traceback, is not in those of the others.
    assert len({id(result) for result in results}) == 3
    assert await asyncio.gather(*others) == ["3", "4"]
    # A server that is down gets no more calls.
    assert collection.fetched == [["a", "b"], ["c"], ["d"]]


class DamagedCollection:
    """A collection that cannot return some keys, nor others together with them."""

    def __init__(self, *damaged: str, error: Exception) -> None:
        self.damaged = set(damaged)
        self.error = error
        self.fetched: list[Sequence[str]] = []

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, str]:
        self.fetched.append(keys)
        await asyncio.sleep(0)
        if not self.damaged.isdisjoint(keys):
            raise self.error
        return {key: key.upper() for key in keys}


@pytest.mark.parametrize(
    ("error", "text"),
    [(CorruptRecord("damaged"), "damaged: b"), (TypeError("a bug"), "a bug")],
    ids=str,
)
async def test_an_error_of_a_key_reaches_only_those_who_want_it(
    error: Exception, text: str
) -> None:
    collection = DamagedCollection("b", error=error)
    loader = BatchLoader(collection.fetch)

    first, damaged, third, many = await asyncio.gather(
        *map(loader.load, ["a", "b", "c"]), loader.load_many(["b", "c"]), return_exceptions=True
    )

    assert (first, third) == ("A", "C")
    for raised in (damaged, many):
        assert type(raised) is type(error)
        assert str(raised) == text
    assert damaged is not many
    assert collection.fetched == [["a", "b", "c"], ["a"], ["b", "c"], ["b"], ["c"]]


async def test_a_batch_belongs_to_no_request_and_its_lines_name_the_first_ten_in_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits: list[CurrentRequest | None] = []
    named: list[Mapping[str, Any]] = []

    async def fetch(keys: Sequence[str]) -> Mapping[str, str]:
        limits.append(CURRENT_REQUEST.get())
        named.append(current_log_fields())
        raise StorageUnavailable("down")

    async def load(number: int) -> None:
        CURRENT_REQUEST.set(CurrentRequest({"request_id": f"request {number}"}))
        with pytest.raises(StorageUnavailable):
            await users.load(f"key {number}")

    users = BatchLoader(fetch, "users")
    await asyncio.gather(*map(load, range(12)))
    await load(12)  # the line of the request says it

    first_ten = [f"request {number}" for number in range(10)]
    assert named[0] == {"request_ids": first_ten, "request_count": 12}
    assert {*limits} == {None}
    [line] = caplog.records
    assert line.msg == {
        "event": "database_batch_failed",
        "kind": "users",
        "size": 12,
        "error": "StorageUnavailable",
        "reason": "down",
    }


@pytest.mark.parametrize("values", [{"a": "1", "c": "3"}, {"a": None}], ids=str)
async def test_what_nobody_has_requested_is_no_word_that_a_value_is_missing(
    values: dict[str, str],
) -> None:
    async def fetch(_: Sequence[str]) -> Mapping[str, str]:
        return values

    loader = BatchLoader(fetch)
    for loading in (loader.load("a"), loader.load_many(["a", "b"])):
        with pytest.raises(StorageUnavailable):
            await loading


# Writes.


class FakeWrites:
    """Writes that are done when the test says so; some are rejected as soon as they are alone."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.rejected: dict[str, Exception] = {}
        self.may_reply = asyncio.Event()

    async def execute(self, entries: Sequence[Entry[str, bool]]) -> None:
        """Do all writes but those that are rejected, whose error is raised."""
        self.batches.append([entry.content for entry in entries])
        await self.may_reply.wait()
        for entry in entries:
            if entry.content not in self.rejected:
                entry.resolve(True)
        for entry in entries:
            if entry.content in self.rejected:
                raise self.rejected[entry.content]


@pytest.fixture
def writes() -> FakeWrites:
    return FakeWrites()


@pytest.fixture
def queue(writes: FakeWrites) -> BatchQueue[str, bool]:
    return BatchQueue(writes.execute, "writes")


async def test_a_batch_waits_for_nobody_and_the_next_ones_are_collected_behind_two(
    writes: FakeWrites, queue: BatchQueue[str, bool]
) -> None:
    results = []
    for names in ("ab", "c", "d", "ef"):
        results += [queue.add(name) for name in names]
        await run_until_all_wait()
    assert writes.batches == [["a", "b"], ["c"]]

    writes.may_reply.set()

    assert await asyncio.gather(*results) == [True] * 6
    assert writes.batches == [["a", "b"], ["c"], ["d", "e", "f"]]


@pytest.mark.parametrize(
    ("error", "failed", "executed"),
    [
        (UniqueViolation("taken"), "b", [["a", "b", "c"], ["b"]]),
        # It may have changed something.
        (StorageTimeout("no answer"), "bc", [["a", "b", "c"]]),
    ],
)
async def test_what_has_its_result_or_an_unknown_one_is_not_executed_again(
    writes: FakeWrites,
    queue: BatchQueue[str, bool],
    error: Exception,
    failed: str,
    executed: list[list[str]],
) -> None:
    writes.rejected = dict.fromkeys(failed, error)
    writes.may_reply.set()

    results = await asyncio.gather(*map(queue.add, "abc"), return_exceptions=True)

    assert [type(result) for result in results] == [
        type(error) if name in failed else bool for name in "abc"
    ]
    assert writes.batches == executed


# Limits.


def limit_of(subject: str, permits: int = 1) -> RateLimit:
    window = SlidingWindow(permits, timedelta(hours=1))
    return RateLimit(subject, LimitPurpose.DELIVERIES, "requests", window)


class FakeLimits:
    """Limits that are counted when the test says so."""

    def __init__(self) -> None:
        self.records: LimitRecords = {}
        self.may_reply = asyncio.Event()
        self.batches = LimitBatches(self.execute)

    async def execute(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        await self.may_reply.wait()
        outcomes, changed = apply_changes(changes, self.records)
        self.records |= changed
        return outcomes

    async def start(self, *limits: RateLimit) -> list[asyncio.Task[datetime | None]]:
        """Acquire a permit of each by a call, until all wait."""
        tasks = [asyncio.create_task(self.batches.acquire([limit], NOW)) for limit in limits]
        await run_until_all_wait()
        return tasks


async def test_what_a_call_acquires_that_is_cancelled_meanwhile_is_released() -> None:
    limits = FakeLimits()
    cancelled, other = await limits.start(limit_of("a", 5), limit_of("a", 5))
    cancelled.cancel()
    limits.may_reply.set()

    await other
    await limits.batches.finish()

    [record] = limits.records.values()
    assert record.windows["requests"].total == 1

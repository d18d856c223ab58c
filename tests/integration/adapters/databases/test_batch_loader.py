"""The batch loader, over a fake collection."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import pytest

from adapters.databases.records import batches
from adapters.databases.records.batch_loader import BatchLoader
from application.ports.current_request import CURRENT_REQUEST, CurrentRequest, current_log_fields
from application.ports.errors import (
    CorruptRecord,
    OperationRejected,
    StorageError,
    StorageOverloaded,
    StorageTimeout,
    StorageUnavailable,
)

T = TypeVar("T")


class FakeCollection:
    """A collection that replies when the test says so, with the values of the time of the read."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.fetched: list[Sequence[str]] = []
        self.replies: list[asyncio.Future[None]] = []
        """Those of the batches: each waits for its own."""

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


async def run_until_all_wait() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def start_waiting(calls: Iterable[Coroutine[Any, Any, T]]) -> list[asyncio.Task[T]]:
    tasks = [asyncio.create_task(call) for call in calls]
    for _ in range(2):  # The batch has begun, and is not yet done.
        await asyncio.sleep(0)
    return tasks


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

    collection.values = {}
    [last] = await start_loading(loader, "a")
    collection.reply_to_all()
    assert await last is None


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
    "error", [CorruptRecord("damaged"), OperationRejected("too large"), TypeError("a bug")], ids=str
)
async def test_an_error_of_a_key_reaches_only_those_who_want_it(error: Exception) -> None:
    collection = DamagedCollection("b", error=error)
    loader = BatchLoader(collection.fetch)

    first, damaged, third, also_damaged, many = await asyncio.gather(
        *map(loader.load, ["a", "b", "c", "b"]),
        loader.load_many(["b", "c"]),
        return_exceptions=True,
    )

    assert (first, third) == ("A", "C")
    for raised in (damaged, also_damaged, many):
        assert type(raised) is type(error)
        assert str(raised) == str(error)
    assert len({id(raised) for raised in (damaged, also_damaged, many)}) == 3
    assert collection.fetched == [["a", "b", "c"], ["a"], ["b", "c"], ["b"], ["c"]]


@pytest.mark.parametrize("end", [asyncio.CancelledError(), SystemExit(1)])
async def test_what_ends_a_call_of_the_database_ends_no_caller(end: BaseException) -> None:
    async def fetch(_keys: Sequence[str]) -> Mapping[str, str]:
        raise end

    with pytest.raises(StorageTimeout, match=f"it was ended by {type(end).__name__}"):
        await BatchLoader(fetch).load("key")


async def test_parts_that_nobody_waits_for_any_more_are_not_fetched() -> None:
    collection = DamagedCollection("a", error=CorruptRecord("damaged"))
    loader = BatchLoader(collection.fetch)
    tasks = await start_waiting(map(loader.load, "abcd"))

    for task in tasks:
        task.cancel()
    await loader.finish()

    assert collection.fetched == [["a", "b", "c", "d"]]


async def test_when_the_time_for_the_parts_has_ended_the_others_fail_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "MAX_SPLIT_SECONDS", -1)
    collection = DamagedCollection("a", error=CorruptRecord("damaged"))
    loader = BatchLoader(collection.fetch)

    loaded = await asyncio.gather(*map(loader.load, "ab"), return_exceptions=True)

    assert [type(value) for value in loaded] == [StorageUnavailable] * 2
    assert collection.fetched == [["a", "b"]]


async def test_a_database_that_goes_down_between_the_parts_gets_no_more_calls() -> None:
    collection = DamagedCollection("d", error=CorruptRecord("damaged"))

    async def fetch(keys: Sequence[str]) -> Mapping[str, str]:
        values = await collection.fetch(keys)
        raise StorageTimeout("down") if values else CorruptRecord("damaged")

    loaded = await asyncio.gather(*map(BatchLoader(fetch).load, "abcd"), return_exceptions=True)

    assert [type(value) for value in loaded] == [StorageTimeout] * 4
    assert collection.fetched == [["a", "b", "c", "d"], ["a", "b"]]


async def test_a_batch_belongs_to_no_request_and_its_lines_name_the_first_ten_in_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits: list[CurrentRequest | None] = []
    named: list[Mapping[str, Any]] = []

    async def fetch(keys: Sequence[str]) -> Mapping[str, str]:
        limits.append(CURRENT_REQUEST.get())
        named.append(current_log_fields())
        if "key 3" in keys:
            raise CorruptRecord("damaged")
        return {}

    async def load(request: int, *keys: str) -> None:
        CURRENT_REQUEST.set(CurrentRequest({"request_id": f"request {request}"}))
        with suppress(CorruptRecord):
            await users.load_many(keys)

    users = BatchLoader(fetch, "users")
    requests = [load(number, f"key {number}", "key 0") for number in range(12)]
    await asyncio.gather(*requests, users.load("key of no request"))

    first_ten = [f"request {number}" for number in range(10)]
    assert named[0] == {"request_ids": first_ten, "request_count": 12}
    assert {"request_ids": ["request 3"]} in named
    assert {*limits} == {None}
    [line] = caplog.records
    assert line.msg == {
        "event": "database_batch_failed",
        "kind": "users",
        "size": 1,
        "error": "CorruptRecord",
        "reason": "damaged",
    }


@pytest.mark.parametrize(
    ("error", "requests", "lines"),
    [
        (StorageUnavailable("down"), 1, 0),
        (StorageUnavailable("down"), 2, 1),
        (StorageOverloaded("full"), 2, 0),  # it has lines of its own
    ],
)
async def test_an_error_of_the_database_has_a_line_if_it_fails_several_requests(
    caplog: pytest.LogCaptureFixture, error: StorageError, requests: int, lines: int
) -> None:
    async def fetch(_: Sequence[str]) -> Mapping[str, str]:
        raise error

    async def load(request: int) -> None:
        CURRENT_REQUEST.set(CurrentRequest({"request_id": f"request {request}"}))
        with pytest.raises(type(error)):
            await users.load_many(["a", "b"])

    users = BatchLoader(fetch, "users")
    await asyncio.gather(*map(load, range(requests)))

    assert len(caplog.records) == lines


async def test_a_line_of_a_batch_without_requests_names_none() -> None:
    named: list[Mapping[str, Any]] = []

    async def fetch(_: Sequence[str]) -> Mapping[str, str]:
        named.append(current_log_fields())
        return {}

    await BatchLoader(fetch).load("a")

    assert named == [{}]


async def test_finishing_waits_for_all_batches(
    collection: FakeCollection, loader: BatchLoader[str]
) -> None:
    tasks = [task for key in "abc" for task in await start_loading(loader, key)]
    finishing = asyncio.create_task(loader.finish())

    for reply in range(3):
        await run_until_all_wait()
        assert not finishing.done()
        collection.replies[reply].set_result(None)

    await finishing
    assert [task.done() for task in tasks] == [True] * 3


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

"""The batch loader, over a fake collection."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from adapters.records.batch_loader import BatchLoader
from application.ports.current_request import CURRENT_REQUEST, CurrentRequest
from application.ports.errors import StorageUnavailable


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


async def test_an_error_reaches_the_callers_of_its_batch_only(
    collection: FakeCollection, loader: BatchLoader[str]
) -> None:
    collection.values = {"a": "1", "c": "3", "d": "4"}
    failed = await start_loading(loader, "a", "b", "a")
    others = [task for key in "cd" for task in await start_loading(loader, key)]

    collection.replies[0].set_exception(LookupError("down"))
    await run_until_all_wait()
    collection.reply_to_all()

    results = await asyncio.gather(*failed, return_exceptions=True)
    assert [type(result) for result in results] == [LookupError] * 3
    assert await asyncio.gather(*others) == ["3", "4"]


async def test_a_cancelled_caller_affects_no_others(
    collection: FakeCollection, loader: BatchLoader[str]
) -> None:
    collection.values = {"a": "1", "b": "2"}
    many = asyncio.create_task(loader.load_many(["a", "b"]))
    single, same_key, other_key = await start_loading(loader, "a", "a", "b")

    many.cancel()
    single.cancel()
    await asyncio.wait([many, single])
    collection.reply_to_all()

    assert (await same_key, await other_key) == ("1", "2")


async def test_a_batch_belongs_to_no_request() -> None:
    requests: list[CurrentRequest | None] = []

    async def fetch(keys: Sequence[str]) -> Mapping[str, str]:
        requests.append(CURRENT_REQUEST.get())
        return {}

    CURRENT_REQUEST.set(CurrentRequest({}))
    await BatchLoader(fetch).load("a")

    assert requests == [None]


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

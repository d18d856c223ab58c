"""The batch loader, over a fake collection."""

import asyncio
from collections.abc import Mapping, Sequence
from unittest.mock import patch

import pytest

from adapters.mongo.batch_loader import MAX_DELAY, BatchLoader
from adapters.mongo.batch_sizing import DELAY, MAX_DELAYS, BatchSizing


class FakeCollection:
    """A collection that replies when the test says so, with the values of the time of the read."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.fetched: list[Sequence[str]] = []
        self.is_fetched = asyncio.Event()
        self._replies: list[asyncio.Future[None]] = []

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, str]:
        self.fetched.append(keys)
        self.is_fetched.set()
        values = {key: self.values[key] for key in keys if key in self.values}
        reply: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._replies.append(reply)
        await reply
        return values

    def reply(self, batch: int) -> None:
        """Reply to the batch with this number, from 0."""
        self._replies[batch].set_result(None)

    def fail(self, batch: int, error: Exception) -> None:
        self._replies[batch].set_exception(error)

    def cancel(self, batch: int) -> None:
        self._replies[batch].cancel()


@pytest.fixture
def collection() -> FakeCollection:
    return FakeCollection()


@pytest.fixture
def loader(collection: FakeCollection) -> BatchLoader[str, str]:
    return BatchLoader(collection.fetch, max_batch_size=3, max_batches=2)


@pytest.fixture
def sharing(collection: FakeCollection) -> list[BatchLoader[str, str]]:
    """Return two loaders with the same sizing."""
    sizing = BatchSizing()
    return [BatchLoader(collection.fetch, sizing=sizing) for _ in range(2)]


async def run_until_all_wait() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def start_loading(
    loader: BatchLoader[str, str], *keys: str
) -> list[asyncio.Task[str | None]]:
    tasks = [asyncio.create_task(loader.load(key)) for key in keys]
    await run_until_all_wait()
    return tasks


async def test_keys_that_arrive_together_are_one_batch_with_each_key_once(
    collection: FakeCollection, loader: BatchLoader[str, str]
) -> None:
    collection.values = {"a": "1", "c": "3"}
    assert await loader.load_many([]) == {}
    many = asyncio.create_task(loader.load_many(["a", "b", "a"]))
    tasks = await start_loading(loader, "a", "b", "c", "a")

    collection.reply(0)

    assert await asyncio.gather(*tasks) == ["1", None, "3", "1"]
    assert await many == {"a": "1"}
    assert collection.fetched == [["a", "b", "c"]]


async def test_keys_that_arrive_during_reads_are_the_next_batch(
    collection: FakeCollection, loader: BatchLoader[str, str]
) -> None:
    tasks = await start_loading(loader, "a")
    tasks += await start_loading(loader, "b")
    tasks += await start_loading(loader, "c")
    tasks += await start_loading(loader, "d")
    assert collection.fetched == [["a"], ["b"]]

    collection.reply(1)
    await run_until_all_wait()

    assert collection.fetched == [["a"], ["b"], ["c", "d"]]
    collection.reply(0)
    collection.reply(2)
    assert await asyncio.gather(*tasks) == [None] * 4


async def test_fewer_keys_than_are_under_way_wait_for_these(
    collection: FakeCollection, loader: BatchLoader[str, str]
) -> None:
    tasks = await start_loading(loader, "a", "b")
    tasks += await start_loading(loader, "c")
    assert collection.fetched == [["a", "b"]]

    collection.reply(0)
    await run_until_all_wait()

    assert collection.fetched[1:] == [["c"]]
    collection.reply(1)
    await asyncio.gather(*tasks)


async def test_a_batch_that_hangs_delays_later_keys_only_briefly(
    collection: FakeCollection, loader: BatchLoader[str, str]
) -> None:
    tasks = await start_loading(loader, "a", "b")
    tasks += await start_loading(loader, "c")

    # A timer of the event loop starts the second batch.
    await asyncio.sleep(2 * MAX_DELAY)

    assert collection.fetched[1:] == [["c"]]
    collection.reply(0)
    collection.reply(1)
    await asyncio.gather(*tasks)


async def test_an_error_of_a_conversion_reaches_its_own_caller(
    collection: FakeCollection, loader: BatchLoader[str, str]
) -> None:
    collection.values = {"a": "1", "b": "x"}
    futures = [loader.request_as(key, lambda value: int(value or "")) for key in "ab"]
    await run_until_all_wait()

    collection.reply(0)

    assert await futures[0] == 1
    with pytest.raises(ValueError, match="x"):
        await futures[1]


async def test_batches_have_a_maximum_size_and_the_oldest_keys_go_first(
    collection: FakeCollection, loader: BatchLoader[str, str]
) -> None:
    tasks = await start_loading(loader, *"abcdefgh")
    assert collection.fetched == [["a", "b", "c"], ["d", "e", "f"]]

    collection.reply(0)
    collection.reply(1)
    await run_until_all_wait()

    assert collection.fetched[2:] == [["g", "h"]]
    collection.reply(2)
    await asyncio.gather(*tasks)


async def test_a_value_is_never_older_than_its_request(
    collection: FakeCollection, loader: BatchLoader[str, str]
) -> None:
    collection.values = {"a": "before"}
    [early] = await start_loading(loader, "a")
    collection.values = {"a": "after"}
    [late] = await start_loading(loader, "a")

    collection.reply(0)
    collection.reply(1)

    assert (await early, await late) == ("before", "after")


async def test_an_error_reaches_the_callers_of_its_batch_only(
    collection: FakeCollection, loader: BatchLoader[str, str]
) -> None:
    collection.values = dict.fromkeys("abcdefg", "value")
    tasks = await start_loading(loader, *"abcdefg")

    collection.fail(0, LookupError("down"))
    collection.reply(1)
    await run_until_all_wait()
    collection.reply(2)
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(result) for result in results[:3]] == [LookupError] * 3
    assert results[3:] == ["value"] * 4


async def test_a_cancelled_caller_affects_no_others(
    collection: FakeCollection, loader: BatchLoader[str, str]
) -> None:
    collection.values = {"a": "1", "b": "2"}
    many = asyncio.create_task(loader.load_many(["a", "b"]))
    single, same_key, other_key = await start_loading(loader, "a", "a", "b")

    for cancelled in (many, single):
        cancelled.cancel()
    await asyncio.wait([many, single])
    collection.reply(0)

    assert (await same_key, await other_key) == ("1", "2")


async def test_a_key_without_waiting_callers_is_not_fetched(
    collection: FakeCollection, loader: BatchLoader[str, str]
) -> None:
    first = await start_loading(loader, "a")
    first += await start_loading(loader, "b")
    cancelled, waiting = await start_loading(loader, "c", "d")

    cancelled.cancel()
    await run_until_all_wait()
    collection.reply(0)
    collection.reply(1)
    await run_until_all_wait()

    assert collection.fetched[2:] == [["d"]]
    collection.reply(2)
    await asyncio.gather(*first, waiting)


async def test_finishing_waits_for_all_batches(
    collection: FakeCollection, loader: BatchLoader[str, str]
) -> None:
    tasks = await start_loading(loader, *"abcdefg")
    finishing = asyncio.create_task(loader.finish())

    for batch in range(3):
        await run_until_all_wait()
        assert not finishing.done()
        collection.reply(batch)

    await finishing
    assert [task.done() for task in tasks] == [True] * 7


async def test_callers_of_loaders_with_the_same_sizing_are_two_groups(
    collection: FakeCollection, sharing: list[BatchLoader[str, str]]
) -> None:
    first, second = sharing
    tasks = await start_loading(first, *"abcdefgh")
    assert collection.fetched == [[*"abcd"], [*"efgh"]]

    tasks += await start_loading(second, *"ijklm")

    assert collection.fetched[2:] == [[*"ijkl"]]
    finishing = asyncio.create_task(second.finish())
    await run_until_all_wait()
    assert collection.fetched[3:] == [["m"]]
    for batch in range(4):
        collection.reply(batch)
    await asyncio.gather(finishing, *tasks)


async def test_a_part_of_a_group_waits_briefly_for_the_others(collection: FakeCollection) -> None:
    loader = BatchLoader(collection.fetch, sizing=BatchSizing())
    tasks = await start_loading(loader, *"abcdefgh")
    for batch in range(2):
        collection.reply(batch)
    await asyncio.gather(*tasks)
    loop = asyncio.get_running_loop()
    # The timer of the batch does not end while the clock stands.
    with patch.object(loop, "time", return_value=loop.time()):
        tasks = await start_loading(loader, "i", "j")
        assert collection.fetched[2:] == []

        tasks += await start_loading(loader, "k")

    assert collection.fetched[2:] == [[*"ijk"]]
    collection.reply(2)
    tasks += await start_loading(loader, "l")
    # A timer of the event loop starts the batch.
    await asyncio.sleep(2 * DELAY)
    assert collection.fetched[3:] == [["l"]]
    collection.reply(3)
    await asyncio.gather(*tasks)


async def test_a_part_of_a_group_waits_longer_while_others_are_under_way(
    collection: FakeCollection, sharing: list[BatchLoader[str, str]]
) -> None:
    first, second = sharing
    tasks = await start_loading(first, *"abcdefgh")
    tasks += await start_loading(second, "i")

    # Fewer timers of the event loop than begin the batch.
    await asyncio.sleep((MAX_DELAYS - 2) * DELAY)
    assert collection.fetched[2:] == []

    collection.is_fetched.clear()
    async with asyncio.timeout(5):
        await collection.is_fetched.wait()
    assert collection.fetched[2:] == [["i"]]
    for batch in range(3):
        collection.reply(batch)
    await asyncio.gather(*tasks)


def test_few_callers_wait_for_nobody_and_earlier_callers_are_forgotten() -> None:
    sizing = BatchSizing()
    assert (sizing.smallest(0), sizing.largest) == (1, 4)
    for callers, smallest, largest in [(4, 1, 4), (32, 12, 16), (4, 12, 16), (256, 7, 100)]:
        sizing.observe(callers, now=10.0)
        assert (sizing.smallest(7), sizing.largest) == (smallest, largest)

    sizing.observe(2, now=10.3)
    assert sizing.largest == 100
    sizing.observe(2, now=10.6)
    assert sizing.largest == 4
    sizing.observe(32, now=10.7)
    sizing.observe(1, now=100.0)
    assert sizing.largest == 4


async def test_a_cancelled_batch_cancels_its_callers(collection: FakeCollection) -> None:
    [waiting] = await start_loading(BatchLoader(collection.fetch), "a")

    collection.cancel(0)

    with pytest.raises(asyncio.CancelledError):
        await waiting

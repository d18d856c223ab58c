import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

import pytest

from adapters.mongo.joined_reads import JoinedReads


class Shelf:
    """A collection that answers when it is told to, with what it holds at that moment."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.asked: list[Sequence[str]] = []
        self._answers: list[asyncio.Future[None]] = []

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, str]:
        self.asked.append(keys)
        held = {key: self.kept[key] for key in keys if key in self.kept}
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        await answer
        return held

    def answer(self, number: int) -> None:
        """Answer the batch of this number, from 0."""
        self._answers[number].set_result(None)

    def fail(self, number: int, error: Exception) -> None:
        """Let the batch fail."""
        self._answers[number].set_exception(error)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def reads(shelf: Shelf) -> JoinedReads[str]:
    return JoinedReads(shelf.fetch, most_keys=3, most_batches=2)


async def settled() -> None:
    """Let everything run until all wait."""
    for _ in range(10):
        await asyncio.sleep(0)


async def asking(reads: JoinedReads[str], *keys: str) -> list[asyncio.Task[str | None]]:
    """Ask for the keys at once, each for itself."""
    tasks = [asyncio.create_task(reads.one(key)) for key in keys]
    await settled()
    return tasks


async def test_what_is_asked_at_once_goes_out_together(
    shelf: Shelf, reads: JoinedReads[str]
) -> None:
    shelf.kept = {"a": "1", "c": "3"}
    tasks = await asking(reads, "a", "b", "c")

    shelf.answer(0)

    assert await asyncio.gather(*tasks) == ["1", None, "3"]
    assert shelf.asked == [["a", "b", "c"]]


async def test_a_single_one_waits_for_nobody(shelf: Shelf, reads: JoinedReads[str]) -> None:
    await asking(reads, "a")

    assert shelf.asked == [["a"]]
    shelf.answer(0)


async def test_what_comes_while_reads_are_under_way_goes_out_with_the_next(
    shelf: Shelf, reads: JoinedReads[str]
) -> None:
    tasks = await asking(reads, "a")
    tasks += await asking(reads, "b")
    tasks += await asking(reads, "c")
    tasks += await asking(reads, "d")
    assert shelf.asked == [["a"], ["b"]]

    shelf.answer(1)
    await settled()

    assert shelf.asked == [["a"], ["b"], ["c", "d"]]
    shelf.answer(0)
    shelf.answer(2)
    assert await asyncio.gather(*tasks) == [None] * 4


async def test_a_batch_is_no_larger_than_it_may_be_and_the_longest_wait_is_over_first(
    shelf: Shelf, reads: JoinedReads[str]
) -> None:
    tasks = await asking(reads, *"abcdefgh")
    assert shelf.asked == [["a", "b", "c"], ["d", "e", "f"]]

    shelf.answer(0)
    await settled()

    assert shelf.asked[2:] == [["g", "h"]]
    shelf.answer(1)
    shelf.answer(2)
    await asyncio.gather(*tasks)


async def test_one_key_is_fetched_once_for_all_who_ask_together(
    shelf: Shelf, reads: JoinedReads[str]
) -> None:
    shelf.kept = {"a": "1"}
    tasks = await asking(reads, "a", "a", "a")

    shelf.answer(0)

    assert await asyncio.gather(*tasks) == ["1"] * 3
    assert shelf.asked == [["a"]]


async def test_many_keys_of_one_caller_go_with_those_of_others(
    shelf: Shelf, reads: JoinedReads[str]
) -> None:
    shelf.kept = {"a": "1", "b": "2"}
    several = asyncio.create_task(reads.some(["a", "b", "a"]))
    one = asyncio.create_task(reads.one("c"))
    await settled()

    shelf.answer(0)

    assert await several == {"a": "1", "b": "2"}
    assert await one is None
    assert shelf.asked == [["a", "b", "c"]]


async def test_of_no_keys_nothing_is_asked(shelf: Shelf, reads: JoinedReads[str]) -> None:
    assert await reads.some([]) == {}
    assert shelf.asked == []


async def test_nothing_is_kept_after_the_answer(shelf: Shelf, reads: JoinedReads[str]) -> None:
    shelf.kept = {"a": "before"}
    [before] = await asking(reads, "a")
    shelf.answer(0)
    assert await before == "before"

    shelf.kept = {"a": "after"}
    [after] = await asking(reads, "a")
    shelf.answer(1)

    assert await after == "after"


async def test_nothing_is_given_that_was_read_before_it_was_asked_for(
    shelf: Shelf, reads: JoinedReads[str]
) -> None:
    shelf.kept = {"a": "before"}
    [early] = await asking(reads, "a")
    shelf.kept = {"a": "after"}
    [late] = await asking(reads, "a")

    shelf.answer(0)
    shelf.answer(1)

    assert await early == "before"
    assert await late == "after"


async def test_an_error_reaches_everybody_of_its_batch_and_nobody_else(
    shelf: Shelf, reads: JoinedReads[str]
) -> None:
    shelf.kept = dict.fromkeys("abcdef", "there")
    tasks = await asking(reads, "a", "b", "b", "c", "d")

    shelf.fail(0, LookupError("down"))
    shelf.answer(1)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(one) for one in outcomes[:4]] == [LookupError] * 4
    assert outcomes[4:] == ["there"]


async def test_after_an_error_the_next_are_served(shelf: Shelf, reads: JoinedReads[str]) -> None:
    tasks = await asking(reads, *"abcdefg")
    shelf.kept = {"g": "there"}

    shelf.fail(0, LookupError("down"))
    shelf.fail(1, LookupError("down"))
    await settled()
    shelf.answer(2)

    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert outcomes[6] == "there"


async def test_who_stops_waiting_harms_nobody(shelf: Shelf, reads: JoinedReads[str]) -> None:
    shelf.kept = {"a": "1", "b": "2"}
    left, stayed, other = await asking(reads, "a", "a", "b")

    left.cancel()
    with suppress(asyncio.CancelledError):
        await left
    shelf.answer(0)

    assert await stayed == "1"
    assert await other == "2"


async def test_who_stops_waiting_for_many_leaves_them_to_others(
    shelf: Shelf, reads: JoinedReads[str]
) -> None:
    shelf.kept = {"a": "1"}
    several = asyncio.create_task(reads.some(["a", "b"]))
    [stayed] = await asking(reads, "a")

    several.cancel()
    with suppress(asyncio.CancelledError):
        await several
    shelf.answer(0)

    assert await stayed == "1"


async def test_a_key_that_nobody_waits_for_any_more_is_not_fetched(
    shelf: Shelf, reads: JoinedReads[str]
) -> None:
    first = await asking(reads, "a")
    first += await asking(reads, "b")
    left, stayed = await asking(reads, "c", "d")

    left.cancel()
    await settled()
    shelf.answer(0)
    shelf.answer(1)
    await settled()

    assert shelf.asked[2:] == [["d"]]
    shelf.answer(2)
    await asyncio.gather(*first, stayed)


async def test_finishing_waits_for_what_is_under_way_and_what_waits(
    shelf: Shelf, reads: JoinedReads[str]
) -> None:
    tasks = await asking(reads, *"abcdefg")
    finishing = asyncio.create_task(reads.finish())

    for number in range(3):
        await settled()
        assert not finishing.done()
        shelf.answer(number)

    await finishing
    assert [task.done() for task in tasks] == [True] * 7


async def test_a_loop_that_ends_everything_lets_those_go_who_wait(shelf: Shelf) -> None:
    reads = JoinedReads(shelf.fetch)
    [waiting] = await asking(reads, "a")

    shelf._answers[0].cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting

"""What arrives together, executed by a function: `test_batch_loader` has what reads have in common.

`test_limit_batches` has cancelled callers.
"""

import asyncio
from collections.abc import Sequence

import pytest

from adapters.databases.records.batches import BatchQueue, Entry
from application.ports.errors import OperationRejected, StorageTimeout, UniqueViolation


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


async def run_until_all_wait() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


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


async def test_more_than_a_batch_has_room_for_goes_out_at_the_same_time(
    writes: FakeWrites, queue: BatchQueue[str, bool]
) -> None:
    results = [queue.add("a") for _ in range(250)]
    await run_until_all_wait()
    assert [len(batch) for batch in writes.batches] == [100, 100]

    writes.may_reply.set()

    assert await asyncio.gather(*results) == [True] * 250
    assert [len(batch) for batch in writes.batches] == [100, 100, 50]


@pytest.mark.parametrize(
    ("error", "lines"), [(UniqueViolation("taken"), 0), (OperationRejected("too large"), 1)]
)
async def test_what_has_its_result_is_not_executed_again(
    writes: FakeWrites,
    queue: BatchQueue[str, bool],
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    lines: int,
) -> None:
    writes.rejected["b"] = error
    writes.may_reply.set()

    results = await asyncio.gather(*map(queue.add, "abc"), return_exceptions=True)

    assert [results[0], type(results[1]), results[2]] == [True, type(error), True]
    assert writes.batches == [["a", "b", "c"], ["b"]]
    # A value that is taken is no failure.
    assert len(caplog.records) == lines


async def test_an_error_that_may_have_changed_something_fails_all_that_have_no_result(
    writes: FakeWrites, queue: BatchQueue[str, bool]
) -> None:
    writes.rejected = dict.fromkeys("bc", StorageTimeout("no answer"))
    writes.may_reply.set()

    results = await asyncio.gather(*map(queue.add, "abc"), return_exceptions=True)

    assert results[0] is True
    assert [type(result) for result in results[1:]] == [StorageTimeout] * 2
    assert writes.batches == [["a", "b", "c"]]


async def test_the_end_of_the_event_loop_cancels_all_that_wait(
    writes: FakeWrites, queue: BatchQueue[str, bool]
) -> None:
    results = []
    for names in ("a", "b", "cd"):
        results += [queue.add(name) for name in names]
        await run_until_all_wait()

    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        if task.get_name() == "batch_writes":
            task.cancel()

    outcomes = await asyncio.gather(*results, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 4
    writes.may_reply.set()
    assert await queue.add("later")

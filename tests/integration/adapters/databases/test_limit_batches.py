"""Batches of permits that are acquired and released, over a fake database."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from adapters.databases.records.limit_batches import (
    Change,
    ChangeOutcome,
    LimitBatches,
    apply_changes,
    ids_of,
)
from adapters.databases.records.limits import LimitRecords
from application.ports.errors import OperationRejected
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW

HOUR = timedelta(hours=1)


def limit_of(subject: str, permits: int = 1) -> RateLimit:
    return RateLimit(subject, LimitPurpose.DELIVERIES, "requests", SlidingWindow(permits, HOUR))


class FakeDatabase:
    """Limits that are counted when the test says so."""

    def __init__(self) -> None:
        self.records: LimitRecords = {}
        self.error: Exception | None = None
        self.batches: list[Sequence[Change]] = []
        self.failing_subject = ""
        self.may_reply = asyncio.Event()

    async def execute(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        self.batches.append(changes)
        await self.may_reply.wait()
        if self.error is not None and self.failing_subject in " ".join(("", *ids_of(changes))):
            raise self.error
        outcomes, changed = apply_changes(changes, self.records)
        self.records |= changed
        return outcomes

    def count(self, subject: str) -> int:
        record = self.records.get(limit_of(subject).record_id)
        return record.windows["requests"].total if record else 0


@pytest.fixture
def database() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def batches(database: FakeDatabase) -> LimitBatches:
    return LimitBatches(database.execute)


Acquiring = asyncio.Task[datetime | None]


async def start(batches: LimitBatches, *calls: Sequence[RateLimit]) -> list[Acquiring]:
    """Acquire permits by these calls, until all wait."""
    tasks = [asyncio.create_task(batches.acquire(limits, NOW)) for limits in calls]
    for _ in range(10):
        await asyncio.sleep(0)
    return tasks


async def test_calls_that_arrive_together_or_during_a_batch_are_one_batch_in_their_order(
    database: FakeDatabase, batches: LimitBatches
) -> None:
    [first] = await start(batches, [limit_of("b")])
    tasks = await start(batches, *[[limit_of("a", 2)]] * 3, [limit_of("c")])
    assert len(database.batches) == 1
    database.may_reply.set()

    outcomes = [await task for task in (first, *tasks)]

    assert [outcome is None for outcome in outcomes] == [True, True, True, False, True]
    assert outcomes[3] is not None
    assert outcomes[3] > NOW
    assert [len(batch) for batch in database.batches] == [1, 4]


async def test_with_an_error_that_may_have_changed_something_no_call_of_the_batch_is_repeated(
    database: FakeDatabase, batches: LimitBatches
) -> None:
    database.error = ValueError("a bug")
    failing = await start(batches, [limit_of("a")], [limit_of("b")])
    database.may_reply.set()

    results = await asyncio.gather(*failing, return_exceptions=True)
    database.error = None

    assert [type(result) for result in results] == [ValueError] * 2
    assert results[0] is not results[1]
    assert [len(batch) for batch in database.batches] == [2]
    assert await batches.acquire([limit_of("a")], NOW) is None


async def test_with_an_error_that_has_changed_nothing_only_those_fail_whose_error_it_is(
    database: FakeDatabase, batches: LimitBatches
) -> None:
    database.error, database.failing_subject = OperationRejected("too large"), "c"
    subjects = "abcde"
    tasks = await start(batches, *([limit_of(subject)] for subject in subjects))
    releasing = asyncio.create_task(batches.release([limit_of("c")], NOW))
    database.may_reply.set()

    results = await asyncio.gather(*tasks, releasing, return_exceptions=True)

    assert [isinstance(result, OperationRejected) for result in results] == [
        subject == "c" for subject in "abcdec"
    ]
    assert [database.count(subject) for subject in subjects] == [1, 1, 0, 1, 1]


async def test_a_call_that_is_cancelled_before_its_batch_is_not_executed(
    database: FakeDatabase, batches: LimitBatches
) -> None:
    [first] = await start(batches, [limit_of("a")])
    cancelled, other = await start(batches, [limit_of("b")], [limit_of("c")])
    cancelled.cancel()
    database.may_reply.set()

    await asyncio.gather(first, other)

    assert [len(batch) for batch in database.batches] == [1, 1]
    assert database.count("b") == 0


async def test_what_a_call_acquires_that_is_cancelled_meanwhile_is_released(
    database: FakeDatabase, batches: LimitBatches
) -> None:
    cancelled, other = await start(batches, [limit_of("a", 5)], [limit_of("a", 5)])
    cancelled.cancel()
    database.may_reply.set()

    await other
    await batches.finish()

    assert (database.count("a"), cancelled.cancelled()) == (1, True)

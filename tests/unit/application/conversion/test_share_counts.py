"""How a process reads what all have counted."""

from dataclasses import replace
from datetime import datetime
from typing import Final

import pytest

from adapters.records.features.conversion import make_conversion_repositories
from application.conversion.share_counts import ReadConversion
from application.ports.errors import StorageUnavailable
from domain.conversion.counts import HOUR, ConversionSource, HourConversion, SourceSum
from domain.conversion.recent_counts import RecentCounts
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.database import InMemoryDatabase

SOURCE: Final = ConversionSource("IN", "sms", "acme", "recognized")
BATCH: Final = 50


def an_hour(number: int, starts_at: datetime, entered: int) -> HourConversion:
    """Return an hour of a process in which it sent ten codes."""
    return HourConversion(
        id=f"hour:{number}",
        starts_at=starts_at,
        changed_at=starts_at,
        sources=(SourceSum(SOURCE, 10, entered),),
    )


async def test_a_first_read_that_fails_is_continued_and_counts_nothing_twice() -> None:
    clock = MovableClock()
    stored = make_conversion_repositories(InMemoryDatabase().stores)
    first = clock.now() - 200 * HOUR
    for number in range(2 * BATCH):  # none of the first batch are entered, all of the second one
        record = an_hour(number, first + number * HOUR, 0 if number < BATCH else 10)
        await stored.hours.save(record.id, record, 0)
    batches = 0

    class Failing:
        async def list_changed(self, *args: object) -> object:
            nonlocal batches
            batches += 1
            if batches == 2:
                raise StorageUnavailable("away")
            return await stored.hours.list_changed(*args)  # type: ignore[arg-type]

    recent = RecentCounts()
    hours = Failing()
    repositories = replace(stored, hours=hours)  # type: ignore[arg-type]
    read = ReadConversion(recent=recent, repositories=repositories, clock=clock)
    with pytest.raises(StorageUnavailable):
        await read()
    assert recent.usual_share("IN", "recognized", clock.now()) == 0
    await read()
    assert recent.usual_share("IN", "recognized", clock.now()) == 0.5
    await read()
    assert recent.usual_share("IN", "recognized", clock.now()) == 0.5

"""What each process counts in each hour and on each day, in each database."""

from datetime import timedelta
from typing import Final

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.features.statistics import make_statistics_repositories
from application.features.statistics.ports import PeriodRecords
from domain.cursor import Cursor
from domain.features.statistics.period_sums import (
    HOUR,
    Counts,
    DeliveryGroup,
    GroupCounts,
    PeriodCounts,
)
from domain.otp.delivery import Channel
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW

pytestmark = IN_MEMORY_FIRST

START: Final = NOW.replace(hour=0, minute=0)
ONE_HOUR: Final = timedelta(hours=1)


def counted(hour: int, instance: str, count: int = 1) -> PeriodCounts:
    starts_at = START + hour * ONE_HOUR
    return PeriodCounts(
        id=f"{starts_at:%Y-%m-%dT%H}:{instance}",
        starts_at=starts_at,
        expires_at=starts_at + HOUR.retention,
        groups=tuple(
            GroupCounts(
                DeliveryGroup("IN", channel, "acme:open"), Counts(count, 2, 3, 4, 10**12, 5)
            )
            for channel in Channel
        ),
        rejections={"per_ip": count},
        currency="USD",
    )


RECORDS: Final = [counted(hour, instance) for hour in range(4) for instance in "ab"]


@pytest.fixture
def records(database: Database) -> PeriodRecords:
    return make_statistics_repositories(database).hours


async def test_they_are_listed_from_a_position_until_a_period(records: PeriodRecords) -> None:
    for record in reversed(RECORDS):
        assert await records.add(record)

    async def listed(cursor: Cursor, until: int, limit: int = 10) -> list[PeriodCounts]:
        return [*await records.list_after(cursor, START + until * ONE_HOUR, limit)]

    from_one = Cursor(START + ONE_HOUR, "")
    assert await listed(from_one, 2) == RECORDS[2:6]
    assert await listed(from_one, 2, limit=3) == RECORDS[2:5]
    assert await listed(Cursor(RECORDS[4].starts_at, RECORDS[4].id), 2) == RECORDS[5:6]
    assert await listed(Cursor(START + 4 * ONE_HOUR, ""), 9) == []


async def test_they_are_replaced_and_deleted_when_they_expire(
    database: Database, records: PeriodRecords
) -> None:
    first, second, more = RECORDS[0], RECORDS[2], counted(0, "a", count=7)
    days = make_statistics_repositories(database).days
    for record in (first, second):
        assert await records.add(record)
    assert await days.add(first)
    assert await records.replace(more, 1)
    assert not await records.replace(more, 1)

    stored = await records.load(first.id)
    assert stored is not None
    assert stored.value == more
    assert await records.delete_expired(first.expires_at, 10) == 1
    assert await records.load(first.id) is None
    assert await records.load(second.id) is not None
    # A day is another kind of record.
    assert await days.load(first.id) is not None

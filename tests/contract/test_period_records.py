"""What each process counts in each hour and on each day, in each database."""

from datetime import timedelta
from typing import Final

import pytest

from adapters.records.database import Database
from adapters.records.features.statistics import make_statistics_repositories
from application.ports.statistics import PeriodRecords
from domain.costs.sums import COSTS_RETENTION, DailyCosts
from domain.cursor import Cursor
from domain.otp.delivery import Channel
from domain.statistics.hourly_counts import (
    ONE_HOUR,
    STATISTICS_RETENTION,
    DeliveryCounts,
    DeliveryEntry,
    HourlyCounts,
    NamedCount,
)
from tests.support.builders import NOW

START: Final = NOW.replace(hour=0, minute=0)
ONE_DAY: Final = timedelta(days=1)


def hourly_counts(hour: int, instance: str, count: int = 1) -> HourlyCounts:
    starts_at = START + hour * ONE_HOUR
    return HourlyCounts(
        id=f"{starts_at:%Y-%m-%dT%H}:{instance}",
        starts_at=starts_at,
        deliveries=(
            DeliveryEntry("IN", Channel.SMS, "acme:open", DeliveryCounts(count, 2, 3, 10**12)),
        ),
        rejections=(NamedCount("per_ip", count),),
        events=(NamedCount("otp_accepted", count),),
    )


RECORDS: Final = [hourly_counts(hour, instance) for hour in range(4) for instance in "ab"]


@pytest.fixture
def records(database: Database) -> PeriodRecords[HourlyCounts]:
    return make_statistics_repositories(database).hourly_counts


async def test_they_are_listed_from_a_position_until_a_period(
    records: PeriodRecords[HourlyCounts],
) -> None:
    for record in reversed(RECORDS):
        assert await records.add(record)

    async def listed(cursor: Cursor, until: int, limit: int = 10) -> list[HourlyCounts]:
        return [*await records.list_after(cursor, START + until * ONE_HOUR, limit)]

    from_one = Cursor(START + ONE_HOUR, "")
    assert await listed(from_one, 2) == RECORDS[2:6]
    assert await listed(from_one, 2, limit=3) == RECORDS[2:5]
    assert await listed(Cursor(RECORDS[4].starts_at, RECORDS[4].id), 2) == RECORDS[5:6]
    assert await listed(Cursor(START + 4 * ONE_HOUR, ""), 9) == []


async def test_they_are_replaced_and_deleted_after_their_retention(
    database: Database, records: PeriodRecords[HourlyCounts]
) -> None:
    first, second, more = RECORDS[0], RECORDS[2], hourly_counts(0, "a", count=7)
    costs = make_statistics_repositories(database).daily_costs
    assert await costs.add(DailyCosts(id="a", starts_at=START, currency="USD", entries=()))
    for record in (first, second):
        assert await records.add(record)
    assert await records.replace(more, 1)
    assert not await records.replace(more, 1)

    stored = await records.load(first.id)
    assert stored is not None
    assert stored.value == more
    assert await records.delete_expired(START + STATISTICS_RETENTION, 10) == 1
    assert await records.load(first.id) is None
    assert await records.load(second.id) is not None
    assert await costs.delete_expired(START + COSTS_RETENTION - ONE_HOUR, 10) == 0
    assert await costs.delete_expired(START + COSTS_RETENTION, 10) == 1

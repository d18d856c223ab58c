"""What is counted in each hour, in each database."""

from datetime import datetime
from typing import Final

import pytest

from adapters.records.database import Database
from adapters.records.features.statistics import make_statistics_repositories
from application.ports.statistics import StatisticsRepositories
from domain.otp.delivery import Channel
from domain.page import Cursor
from domain.statistics.hourly_counts import (
    ONE_HOUR,
    STATISTICS_RETENTION,
    DeliveryCounts,
    DeliveryEntry,
    HourlyCounts,
    NamedCount,
)
from tests.support.builders import NOW

START: Final = NOW.replace(minute=0)


@pytest.fixture
def repositories(database: Database) -> StatisticsRepositories:
    return make_statistics_repositories(database)


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


async def test_hours_are_listed_from_a_position_until_an_hour(
    repositories: StatisticsRepositories,
) -> None:
    records = [hourly_counts(hour, instance) for hour in (0, 1, 2, 3) for instance in ("a", "b")]
    for record in reversed(records):
        assert await repositories.hourly_counts.add(record)

    async def listed(cursor: Cursor, until: datetime, limit: int = 10) -> list[HourlyCounts]:
        return [*await repositories.hourly_counts.list_after(cursor, until, limit)]

    until = START + 2 * ONE_HOUR
    assert await listed(Cursor(START + ONE_HOUR, ""), until) == records[2:6]
    assert await listed(Cursor(START + ONE_HOUR, ""), until, limit=3) == records[2:5]
    assert await listed(Cursor(records[4].starts_at, records[4].id), until) == records[5:6]


async def test_counts_are_replaced_and_deleted_after_their_retention(
    repositories: StatisticsRepositories,
) -> None:
    hours, first, second = repositories.hourly_counts, hourly_counts(0, "a"), hourly_counts(1, "a")
    for record in (first, second):
        assert await hours.add(record)
    assert not await hours.add(first)
    more = hourly_counts(0, "a", count=7)
    assert await hours.replace(more, 1)
    assert not await hours.replace(more, 1)
    stored = await hours.load(first.id)
    assert stored is not None
    assert stored.value == more

    assert await hours.delete_expired(START + STATISTICS_RETENTION, 10) == 1
    assert await hours.load(first.id) is None
    assert await hours.load(second.id) is not None

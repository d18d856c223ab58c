"""What each process counts in each hour and on each day, in each database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest

from adapters.records.database import Database
from adapters.records.features.statistics import make_statistics_repositories
from application.ports.statistics import PeriodRecords
from domain.costs.sums import COSTS_RETENTION, CostEntry, Costs, DailyCosts
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


def daily_costs(day: int, instance: str, count: int = 1) -> DailyCosts:
    starts_at = START + day * ONE_DAY
    return DailyCosts(
        id=f"{starts_at.date()}:{instance}",
        starts_at=starts_at,
        currency="USD",
        entries=(CostEntry("IN", Channel.VOICE, "acme:open", Costs(count, 2, 0, 10**15)),),
    )


@dataclass(frozen=True)
class Kind:
    """A kind of records, by its name in the repositories."""

    name: str
    make: Callable[..., Any]
    length: timedelta
    retention: timedelta

    def open(self, database: Database) -> PeriodRecords[Any]:
        records: PeriodRecords[Any] = getattr(make_statistics_repositories(database), self.name)
        return records


KINDS: Final = (
    Kind("hourly_counts", hourly_counts, ONE_HOUR, STATISTICS_RETENTION),
    Kind("daily_costs", daily_costs, ONE_DAY, COSTS_RETENTION),
)
of_each_kind: Final = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@of_each_kind
async def test_they_are_listed_from_a_position_until_a_period(
    database: Database, kind: Kind
) -> None:
    records, length = kind.open(database), kind.length
    stored = [kind.make(number, instance) for number in (0, 1, 2, 3) for instance in ("a", "b")]
    for record in reversed(stored):
        assert await records.add(record)

    async def listed(cursor: Cursor, until: int, limit: int = 10) -> list[Any]:
        return [*await records.list_after(cursor, START + until * length, limit)]

    assert await listed(Cursor(START + length, ""), 2) == stored[2:6]
    assert await listed(Cursor(START + length, ""), 2, limit=3) == stored[2:5]
    assert await listed(Cursor(stored[4].starts_at, stored[4].id), 2) == stored[5:6]
    assert await listed(Cursor(START + 4 * length, ""), 9) == []


@of_each_kind
async def test_they_are_replaced_and_deleted_after_their_retention(
    database: Database, kind: Kind
) -> None:
    records = kind.open(database)
    first, second, more = kind.make(0, "a"), kind.make(1, "a"), kind.make(0, "a", count=7)
    for record in (first, second):
        assert await records.add(record)
    assert not await records.add(first)
    assert await records.replace(more, 1)
    assert not await records.replace(more, 1)
    stored = await records.load(first.id)
    assert stored is not None
    assert stored.value == more

    assert await records.delete_expired(START + kind.retention, 10) == 1
    assert await records.load(first.id) is None
    assert await records.load(second.id) is not None

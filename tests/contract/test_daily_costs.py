"""The costs of each day and process, in each database."""

from datetime import timedelta
from typing import Final

import pytest

from adapters.records.database import Database
from adapters.records.features.statistics import make_statistics_repositories
from application.ports.statistics import StatisticsRepositories
from domain.costs.sums import COSTS_RETENTION, CostEntry, Costs, DailyCosts
from domain.otp.delivery import Channel
from domain.page import Cursor
from tests.support.builders import NOW

ONE_DAY: Final = timedelta(days=1)
START: Final = NOW.replace(hour=0, minute=0)


@pytest.fixture
def repositories(database: Database) -> StatisticsRepositories:
    return make_statistics_repositories(database)


def daily_costs(day: int, instance: str) -> DailyCosts:
    starts_at = START + day * ONE_DAY
    return DailyCosts(
        id=f"{starts_at.date()}:{instance}",
        starts_at=starts_at,
        currency="USD",
        entries=(CostEntry("IN", Channel.SMS, "acme:open", Costs(1, 2, 0, 10**15)),),
    )


async def test_costs_are_listed_by_day_from_a_position_until_a_day(
    repositories: StatisticsRepositories,
) -> None:
    records = [daily_costs(day, instance) for day in (0, 1, 2, 3) for instance in ("a", "b")]
    for record in reversed(records):
        assert await repositories.daily_costs.add(record)

    async def listed(cursor: Cursor, last_day: int, limit: int = 10) -> list[DailyCosts]:
        until = START + last_day * ONE_DAY
        return [*await repositories.daily_costs.list_after(cursor, until, limit)]

    assert await listed(Cursor(START + ONE_DAY, ""), 2) == records[2:6]
    assert await listed(Cursor(START + ONE_DAY, ""), 2, limit=3) == records[2:5]
    assert await listed(Cursor(records[4].starts_at, records[4].id), 2) == records[5:6]
    assert await listed(Cursor(START + 4 * ONE_DAY, ""), 9) == []


async def test_costs_are_replaced_and_deleted_after_their_retention(
    repositories: StatisticsRepositories,
) -> None:
    first, second = daily_costs(0, "a"), daily_costs(1, "a")
    for record in (first, second):
        assert await repositories.daily_costs.add(record)
    assert not await repositories.daily_costs.add(first)
    assert await repositories.daily_costs.replace(first, 1)
    assert not await repositories.daily_costs.replace(first, 1)

    assert await repositories.daily_costs.delete_expired(START + COSTS_RETENTION, 10) == 1
    assert await repositories.daily_costs.load(first.id) is None
    assert await repositories.daily_costs.load(second.id) is not None

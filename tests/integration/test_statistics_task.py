"""The background tasks that write statistics and costs."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from structlog.testing import capture_logs

from application.costs.feature import CostsFeature
from application.statistics.feature import StatisticsFeature
from domain.costs.prices import PriceList
from domain.otp.delivery import Channel
from entrypoints.features.statistics import STATISTICS
from tests.support.app_harness import AppHarness
from tests.support.counted_events import sent_message
from tests.support.policies import make_policy
from tests.support.settings import settings

INTERVAL: Final = timedelta(seconds=0.2)


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the task has no event for "done"
            await asyncio.sleep(0.01)  # between two checks of the condition


async def test_costs_are_written_again_after_the_database_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("entrypoints.features.statistics._COSTS_INTERVAL", INTERVAL)
    prices = PriceList("USD", {("US", Channel.SMS): 8_300})
    app = AppHarness(policy=make_policy(prices=prices))
    costs = app.use_cases.of(CostsFeature)
    costs.count(sent_message("US", "twilio"))
    app.faults.fail_on("daily_costs.add")
    with capture_logs() as logs:
        _, task = STATISTICS.background_tasks(settings(PRICES="prices.toml"), app.use_cases, None)
        async with task:
            await wait_until(lambda: costs.count.sums.list_changed() == [])

    assert [line["event"] for line in logs] == ["costs_not_written"]
    assert len(app.database.records.tables["daily_costs"]) == 1


async def test_statistics_are_written_again_after_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("entrypoints.features.statistics._STATISTICS_INTERVAL", INTERVAL)
    app = AppHarness()
    sums = app.use_cases.of(StatisticsFeature).write.sums
    sums.add_event(app.clock.now(), "login_succeeded")
    app.faults.fail_on("hourly_counts.add")
    with capture_logs() as logs:
        (task,) = STATISTICS.background_tasks(settings(), app.use_cases, None)
        async with task:
            await wait_until(lambda: sums.list_changed() == [])

    assert [line["event"] for line in logs] == ["statistics_not_written"]
    assert len(app.database.records.tables["hourly_counts"]) == 1

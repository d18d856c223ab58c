"""The background tasks that write statistics and costs."""

from datetime import timedelta
from typing import Final

import pytest
from structlog.testing import capture_logs

from domain.costs.prices import PriceList
from domain.otp.delivery import Channel
from entrypoints.features.statistics import STATISTICS
from tests.support.app_harness import AppHarness
from tests.support.policies import make_policy
from tests.support.settings import settings
from tests.support.waiting import wait_until

INTERVAL: Final = timedelta(seconds=0.2)


@pytest.mark.parametrize(
    ("number", "table", "event"),
    [(0, "hourly_counts", "statistics_not_written"), (1, "daily_costs", "costs_not_written")],
)
async def test_what_was_counted_is_written_again_after_the_database_failed(
    monkeypatch: pytest.MonkeyPatch, number: int, table: str, event: str
) -> None:
    for name in ("_STATISTICS_INTERVAL", "_COSTS_INTERVAL"):
        monkeypatch.setattr(f"entrypoints.features.statistics.{name}", INTERVAL)
    prices = PriceList("USD", {("US", Channel.SMS): 8_300})
    app = AppHarness(policy=make_policy(prices=prices))
    await app.log_in()
    app.faults.fail_on(f"{table}.add")
    tasks = STATISTICS.background_tasks(settings(PRICES="prices.toml"), app.use_cases, None)
    with capture_logs() as logs:
        async with tasks[number]:
            await wait_until(lambda: bool(app.database.records.tables.get(table)))

    assert [line["event"] for line in logs] == [event]


def test_without_prices_no_costs_are_written() -> None:
    assert len(STATISTICS.background_tasks(settings(), AppHarness().use_cases, None)) == 1

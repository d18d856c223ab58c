"""The background task that writes statistics."""

from datetime import timedelta
from typing import Final

import pytest
from structlog.testing import capture_logs

from application.features.statistics.feature import StatisticsFeature
from entrypoints.features.statistics import write_repeatedly
from tests.support.app_harness import AppHarness
from tests.support.waiting import wait_until

INTERVAL: Final = timedelta(seconds=0.2)


@pytest.mark.parametrize("table", ["statistics_hours", "statistics_days"])
async def test_what_was_counted_is_written_again_after_the_database_failed(
    monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    monkeypatch.setattr("entrypoints.features.statistics._INTERVAL", INTERVAL)
    app = AppHarness()
    await app.log_in()
    app.faults.fail_on(f"{table}.add")
    task = write_repeatedly(app.use_cases.of(StatisticsFeature), None)
    with capture_logs() as logs:
        async with task:
            await wait_until(lambda: bool(app.database.records.tables.get(table)))

    assert [line["event"] for line in logs] == ["statistics_not_written"]

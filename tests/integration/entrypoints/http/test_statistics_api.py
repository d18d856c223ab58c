"""Statistics over HTTP: what a report has, and for whom."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest

from application.features.statistics.feature import StatisticsFeature
from domain.administration.scope import Scope
from domain.features.statistics import HOUR, Result
from entrypoints.http.fields import format_timestamp
from tests.integration.entrypoints.http.administration import AdminDriver, open_admin_driver
from tests.support.app_harness import AppHarness
from tests.support.counted_events import accepted, delivered, logged_in, rejected

PATH: Final = "/admin/statistics"
NOTHING: Final[dict[str, int]] = {result.value: 0 for result in Result}


@pytest.fixture
async def driver() -> AsyncIterator[AdminDriver]:
    async with open_admin_driver(AppHarness()) as opened:
        opened.harness.clock.advance(timedelta(days=3))  # without the logins of the driver
        yield opened


async def count_some(driver: AdminDriver) -> None:
    statistics = driver.harness.use_cases.of(StatisticsFeature)
    for event in (accepted(), accepted(), logged_in(), delivered(country="IN"), rejected()):
        statistics.count.record(event)
    await statistics.write()


async def test_a_report_has_the_sums_of_the_last_hours(driver: AdminDriver) -> None:
    await count_some(driver)
    token = await driver.make_token(Scope.READ_STATISTICS)
    response = await driver.get(f"{PATH}?hours=2&by=country,provider", token)

    now = HOUR.start_of(driver.harness.clock.now())
    usa = NOTHING | {"sent": 2, "logins": 1}
    total = usa | {"delivered": 1, "rejected": 1}
    first, last = format_timestamp(now - HOUR.length), format_timestamp(now)
    assert response.json() == {
        "period": "hour",
        "first": first,
        "last": last,
        "by": "country,provider",
        "total": total,
        "rows": [
            {"country": "US", "provider": "acme:open", **usa},
            {"country": "US", "provider": "none", **NOTHING, "rejected": 1},
            {"country": "IN", "provider": "acme:open", **NOTHING, "delivered": 1},
        ],
        "by_period": [
            {"starts_at": first, **NOTHING, "rejections": {}},
            {"starts_at": last, **total, "rejections": {"per_ip": 1}},
        ],
        "rejections": {"per_ip": 1},
    }

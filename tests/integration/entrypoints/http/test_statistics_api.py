"""Statistics over HTTP: what a report has, and for whom."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest

from application.features.statistics.feature import StatisticsFeature
from domain.administration.scope import Scope
from domain.features.statistics.period_sums import HOUR
from domain.features.statistics.prices import PriceList
from domain.otp.delivery import Channel
from entrypoints.http.fields import format_timestamp
from tests.integration.entrypoints.http.administration import AdminDriver, open_admin_driver
from tests.support.app_harness import AppHarness, make_policy
from tests.support.counted_events import accepted, ended_call, logged_in, rejected, sent_message

PATH: Final = "/admin/statistics"
PRICES: Final = PriceList("USD", {("US", Channel.SMS): 8_300, ("IN", Channel.VOICE): 50_000})
NOTHING: Final = {
    "sent": 0,
    "delivered": 0,
    "undelivered": 0,
    "logins": 0,
    "millionths": 0,
    "line_millionths": 0,
}


@pytest.fixture
async def driver() -> AsyncIterator[AdminDriver]:
    async with open_admin_driver(AppHarness(policy=make_policy(prices=PRICES))) as opened:
        opened.harness.clock.advance(timedelta(days=3))  # without the logins of the driver
        yield opened


async def count_some(driver: AdminDriver) -> None:
    statistics = driver.harness.use_cases.of(StatisticsFeature)
    for event in (accepted(), accepted(), logged_in(), rejected()):
        statistics.count.record(event)
    statistics.count.count_cost(sent_message())
    statistics.count.count_cost(ended_call(has_code=False))
    await statistics.write()


async def test_a_report_has_the_sums_of_the_last_hours(driver: AdminDriver) -> None:
    await count_some(driver)
    token = await driver.make_token(Scope.READ_STATISTICS, Scope.READ_COSTS)
    response = await driver.get(f"{PATH}?hours=2&by=country,provider", token)

    now = HOUR.start_of(driver.harness.clock.now())
    usa = NOTHING | {"sent": 2, "logins": 1, "millionths": 8_300}
    total = usa | {"line_millionths": 50_000}
    first, last = format_timestamp(now - HOUR.length), format_timestamp(now)
    assert response.json() == {
        "period": "hour",
        "first": first,
        "last": last,
        "by": "country,provider",
        "currency": "USD",
        "total": total,
        "rows": [
            {"country": "US", "provider": "acme:open", **usa},
            {
                "country": "IN",
                "provider": "acme:open",
                **NOTHING,
                "line_millionths": 50_000,
            },
        ],
        "by_period": [
            {"starts_at": first, **NOTHING, "rejections": {}},
            {"starts_at": last, **total, "rejections": {"per_ip": 1}},
        ],
        "rejections": {"per_ip": 1},
    }


async def test_amounts_are_for_callers_who_may_read_costs(driver: AdminDriver) -> None:
    await count_some(driver)
    body = (await driver.get(PATH, await driver.make_token(Scope.READ_STATISTICS))).json()
    assert (body["currency"], body["total"]["millionths"], body["total"]["sent"]) == (None, None, 2)
    assert {row["line_millionths"] for row in (*body["rows"], *body["by_period"])} == {None}
    refused = await driver.make_token(Scope.READ_COSTS)
    assert (await driver.get(PATH, refused)).status_code == 403


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        (
            "hours=x&from=2026-7-1&by=hour",
            {
                "hours": "invalid_number",
                "from": "invalid_value",
                "by": "unsupported_value",
            },
        ),
        (
            "hours=24&until=2026-07-01&by=hour",
            {"hours": "conflicting_value", "by": "unsupported_value"},
        ),
    ],
)
async def test_invalid_parameters_are_named(
    driver: AdminDriver, query: str, errors: dict[str, str]
) -> None:
    response = await driver.get(f"{PATH}?{query}", await driver.make_token(Scope.READ_STATISTICS))
    found: list[dict[str, Any]] = response.json()["field_errors"]
    assert response.status_code == 400
    assert {error["field"]: error["code"] for error in found} == errors

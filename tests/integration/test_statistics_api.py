"""Statistics over HTTP: who may read them, and what a report has."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest

from application.statistics.feature import StatisticsFeature
from domain.administration.scope import Scope
from domain.otp.delivery import Channel
from domain.statistics.hourly_counts import DeliveryCounts
from domain.statistics.period_sums import DeliveryGroup
from entrypoints.http.fields import format_timestamp
from tests.integration.administration import AdminDriver, open_admin_driver

PATH: Final = "/admin/statistics"


@pytest.fixture
async def driver() -> AsyncIterator[AdminDriver]:
    async with open_admin_driver() as opened:
        yield opened


async def test_a_report_has_the_sums_of_the_last_hours(driver: AdminDriver) -> None:
    statistics, clock = driver.harness.use_cases.of(StatisticsFeature), driver.harness.clock
    clock.advance(timedelta(days=3))  # the logins of the driver are not of these hours
    sums, counts = statistics.sums, DeliveryCounts(4, 3, 1, 2)
    sums.add_delivery(clock.now(), DeliveryGroup("IN", Channel.SMS, "twilio"), counts)
    sums.add_delivery(clock.now(), DeliveryGroup("US", Channel.SMS, "twilio"), counts)
    sums.add_rejection(clock.now(), "per_ip")
    sums.add_event(clock.now(), "otp_accepted")
    await statistics.write()

    token = await driver.make_token(Scope.READ_STATISTICS)
    response = await driver.get(f"{PATH}?hours=2&country=in", token)

    now = clock.now().replace(minute=0, second=0, microsecond=0)
    total = {"sent": 4, "delivered": 3, "undelivered": 1, "logins": 2}
    nothing = {"sent": 0, "delivered": 0, "undelivered": 0, "logins": 0}
    counted = {"rejections": {"per_ip": 1}, "security_events": {"otp_accepted": 1}}
    first, last = format_timestamp(now - timedelta(hours=1)), format_timestamp(now)
    assert response.json() == {
        "first_hour": first,
        "last_hour": last,
        "country": "IN",
        "provider": None,
        "total": total,
        "by_hour": [
            {"starts_at": first, **nothing, "rejections": {}, "security_events": {}},
            {"starts_at": last, **total, **counted},
        ],
        "by_country": [{"name": "IN", **total}],
        "by_provider": [{"name": "twilio", **total}],
        "by_channel": [{"name": "sms", **total}],
        **counted,
    }


async def test_providers_have_their_figures_and_a_file_of_csv(driver: AdminDriver) -> None:
    statistics, clock = driver.harness.use_cases.of(StatisticsFeature), driver.harness.clock
    clock.advance(timedelta(days=3))  # the logins of the driver are not of these hours
    group = DeliveryGroup("IN", Channel.WHATSAPP, "meta")
    statistics.sums.add_delivery(clock.now(), group, DeliveryCounts(sent=4, logins=2))
    statistics.sums.add_cost(clock.now(), group, 10_000)
    statistics.sums.currency = "USD"
    await statistics.write()

    token = await driver.make_token(Scope.READ_STATISTICS, Scope.READ_COSTS)
    response = await driver.get("/admin/providers?country=in", token)
    figures = {
        "messages": 4,
        "delivered": None,
        "delivered_percent": None,
        "entered": 2,
        "entered_percent": 50.0,
        "millionths": 10_000,
        "price_of_entered_millionths": 5_000,
        "messages_without_amount": 0,
    }
    body = response.json()
    assert (body["country"], body["currency"], body["left"]) == ("IN", "USD", [])
    assert body["total"] == figures
    assert body["rows"] == [figures | {"country": "IN", "channel": "whatsapp", "provider": "meta"}]

    file = await driver.get("/admin/providers?format=csv", token)
    assert file.text.splitlines()[1] == (
        '"IN","whatsapp","meta","4","","","2","50.0","USD","0.010000","10000","0.005000","5000","0"'
    )


async def test_providers_without_the_scope_of_costs_have_no_amounts(driver: AdminDriver) -> None:
    statistics = driver.harness.use_cases.of(StatisticsFeature)
    group = DeliveryGroup("IN", Channel.SMS, "twilio")
    statistics.sums.add_cost(driver.harness.clock.now(), group, 10_000)
    statistics.sums.currency = "USD"
    await statistics.write()

    token = await driver.make_token(Scope.READ_STATISTICS)
    body = (await driver.get("/admin/providers", token)).json()
    assert (body["currency"], body["total"]["millionths"]) == (None, None)
    refused = await driver.make_token(Scope.READ_COSTS)
    assert (await driver.get("/admin/providers", refused)).status_code == 403
    invalid = await driver.get("/admin/providers?from=x&to=y&country=z&format=w", token)
    assert invalid.status_code == 400
    too_old = await driver.get("/admin/providers?from=2020-01-01", token)
    assert "for 8 days" in too_old.text

"""Costs over HTTP: who may read them, and what a report has."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest

from application.costs.feature import CostsFeature
from domain.administration.scope import Scope
from domain.costs.prices import PriceList
from domain.otp.delivery import Channel
from tests.integration.administration import AdminDriver, open_admin_driver
from tests.support.app_harness import AppHarness
from tests.support.counted_events import ended_call, sent_message
from tests.support.policies import make_policy

PRICES: Final = PriceList("USD", {("IN", Channel.SMS): 83_000, ("IN", Channel.VOICE): 50_000})
PATH: Final = "/admin/costs"


@pytest.fixture
async def driver() -> AsyncIterator[AdminDriver]:
    harness = AppHarness(policy=make_policy(prices=PRICES))
    async with open_admin_driver(harness) as opened:
        yield opened


async def test_a_report_has_sums_and_totals_of_a_period(driver: AdminDriver) -> None:
    costs, today = driver.harness.use_cases.of(CostsFeature), driver.harness.clock.now().date()
    await costs.write()  # the codes of the logins before
    driver.harness.clock.advance(timedelta(days=40))
    day = (today + timedelta(days=40)).isoformat()
    costs.count(sent_message("IN"))
    costs.count(ended_call(61))
    await costs.write()

    token = await driver.make_token(Scope.READ_COSTS)
    response = await driver.get(f"{PATH}?from={day}&to={day}&by=channel", token)

    total = {"messages": 1, "parts": 1, "minutes": 2, "millionths": 183_000, "currency": "USD"}
    sms = {"messages": 1, "parts": 1, "minutes": 0, "millionths": 83_000, "currency": "USD"}
    voice = {"messages": 0, "parts": 0, "minutes": 2, "millionths": 100_000, "currency": "USD"}
    assert response.json() == {
        "from": day,
        "to": day,
        "by": "channel",
        "rows": [{"name": "voice", **voice}, {"name": "sms", **sms}],
        "totals": [{"name": "total", **total}],
    }
    by_two = await driver.get(f"{PATH}?from={day}&to={day}&by=channel,country", token)
    assert by_two.json()["by"] == "channel,country"
    assert by_two.json()["rows"] == [
        {"name": "voice,IN", "channel": "voice", "country": "IN", **voice},
        {"name": "sms,IN", "channel": "sms", "country": "IN", **sms},
    ]
    assert by_two.json()["totals"] == [{"name": "total", **total}]
    csv = await driver.get(f"{PATH}?from={day}&to={day}&by=channel,country&format=csv", token)
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    name = f"costs-{day}-to-{day}-by-channel-country.csv"
    assert csv.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert csv.text.split("\r\n") == [
        '"channel","country","currency","amount","millionths","messages","parts","minutes"',
        '"voice","IN","USD","0.100000","100000","0","0","2"',
        '"sms","IN","USD","0.083000","83000","1","1","0"',
        "",
    ]


async def test_a_report_has_at_most_400_days(driver: AdminDriver) -> None:
    response = await driver.get(f"{PATH}?from=2025-01-01&to=2026-07-01")
    assert (response.status_code, [*response.json()["errors"]]) == (400, ["from"])


async def test_administrators_and_tokens_with_the_scope_may_read_costs(driver: AdminDriver) -> None:
    others = await driver.make_token(*[scope for scope in Scope if scope is not Scope.READ_COSTS])
    assert (await driver.get(PATH)).status_code == 200
    assert (await driver.get(PATH, driver.user)).status_code == 403
    response = await driver.get(PATH, others)
    assert (response.status_code, response.json()["scope"]) == (403, "costs:read")


async def test_without_prices_the_error_names_the_setting() -> None:
    async with open_admin_driver() as driver:
        response = await driver.get(PATH)
    assert (response.status_code, response.json()["code"]) == (404, "costs_not_counted")
    assert "DIALTONE_PRICES" in response.json()["error"]

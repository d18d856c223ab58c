"""The use of limits that many phones share is measured, and operators are warned of it."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from application.limits.measure_limits import MAX_COUNTRIES, LimitUse
from domain.errors import TooManyOtpRequests
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import parse_phone
from tests.support.core_harness import CoreHarness, make_core_policy

GERMAN_PHONE: Final = parse_phone("+4915112345678", None)
MAX_AGE: Final = 15
LIMITS: Final = replace(
    RateLimits(),
    per_country=SlidingWindow(20, timedelta(hours=1)),
    total=SlidingWindow(100, timedelta(hours=1)),
)


def app_that_serves(countries: Collection[str] | None) -> CoreHarness:
    return CoreHarness(policy=make_core_policy(countries=countries, rate_limits=LIMITS))


async def measure_strangers(app: CoreHarness) -> dict[str, LimitUse]:
    """Return the use of unverified deliveries of strangers, by country."""
    return {
        use.country: use
        for use in await app.limits.measure_limits()
        if use.limit.startswith("unverified") and use.owner == "strangers"
    }


async def test_the_use_of_each_country_that_is_served_and_in_total_is_measured() -> None:
    app = app_that_serves({"US", "DE"})
    app.limits.measure_limits.see("IN")  # which is not served
    await app.request_otp()
    for _ in range(2):
        await app.request_otp(GERMAN_PHONE)
        app.advance(60)

    assert await measure_strangers(app) == {
        "": LimitUse("unverified_total", "strangers", "", used=3, allowed=60),
        "US": LimitUse("unverified_per_country", "strangers", "US", used=1, allowed=12),
        "DE": LimitUse("unverified_per_country", "strangers", "DE", used=2, allowed=12),
    }


async def test_a_measurement_is_held_for_15_seconds() -> None:
    app = app_that_serves({"US"})
    await asyncio.gather(*(measure_strangers(app) for _ in range(5)))
    await app.request_otp()

    app.advance(MAX_AGE - 0.001)
    assert (await measure_strangers(app))["US"].used == 0
    assert app.faults.calls.count("limit_store.count_used") == 1
    app.advance(0.001)
    assert (await measure_strangers(app))["US"].used == 1


async def test_where_all_countries_are_served_those_that_were_seen_are_measured() -> None:
    app = app_that_serves(None)
    assert [*await measure_strangers(app)] == [""]

    for number in range(MAX_COUNTRIES + 50):
        app.limits.measure_limits.see(str(number))
    app.advance(MAX_AGE)

    assert len(await measure_strangers(app)) == MAX_COUNTRIES + 1


def app_with_limit(permits: int) -> CoreHarness:
    window = SlidingWindow(permits, timedelta(hours=1))
    return CoreHarness(
        policy=make_core_policy(rate_limits=RateLimits(per_country=window), countries=["US"])
    )


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [dict(record.msg) for record in caplog.records if isinstance(record.msg, dict)]


async def request_codes(app: CoreHarness, count: int) -> list[str]:
    """Request codes for phones of different ranges; return the limits that reject some."""
    limits = []
    for number, area in zip(range(count), (212, 213, 305, 415, 503, 617), strict=False):
        try:
            await app.request_otp(parse_phone(f"+1{area}5550100"), client_ip=f"10.{number}.0.1")
        except TooManyOtpRequests as error:
            limits.append(error.limit)
    return limits


async def test_a_limit_above_80_percent_is_a_warning_once_an_hour(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = app_with_limit(8)  # strangers have five
    await request_codes(app, 3)
    await app.limits.limit_alerts.warn_of_high_use()
    assert warnings_in(caplog) == []
    app.advance(16)
    await request_codes(app, 5)
    app.advance(16)
    caplog.clear()

    for _ in range(2):
        await app.limits.limit_alerts.warn_of_high_use()

    high = {"event": "shared_limit_high", "limit": "unverified_per_country", "country": "US"}
    assert warnings_in(caplog) == [{**high, "part": "strangers", "percent": 100}]


async def test_a_limit_that_rejects_is_a_warning_once_an_hour_and_names_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = app_with_limit(4)
    with caplog.at_level(logging.WARNING):
        limits = await request_codes(app, 6)
    assert len(limits) >= 2
    assert set(limits) == {"unverified_per_country"}
    [reached] = warnings_in(caplog)
    assert reached == {
        "event": "shared_limit_reached",
        "limit": "unverified_per_country",
        "part": "strangers",
        "country": "US",
    }

"""The use of limits that many phones share is measured, and the database is read rarely."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Final

from application.limits.measure_limits import MAX_COUNTRIES, LimitUse
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import parse_phone
from tests.support.core_harness import CoreHarness, make_core_policy

GERMAN_PHONE: Final = parse_phone("+4915112345678", None)
MAX_AGE: Final = 15
READ: Final = "limit_store.count_used"
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
    assert app.faults.calls.count(READ) == 1
    app.advance(0.001)
    assert (await measure_strangers(app))["US"].used == 1


async def test_where_all_countries_are_served_those_that_were_seen_are_measured() -> None:
    app = app_that_serves(None)
    assert [*await measure_strangers(app)] == [""]

    app.limits.measure_limits.see("IN")
    app.advance(MAX_AGE)

    assert [*await measure_strangers(app)] == ["", "IN"]


async def test_no_more_countries_are_measured_than_there_are() -> None:
    app = app_that_serves(None)
    for number in range(MAX_COUNTRIES + 50):
        app.limits.measure_limits.see(str(number))

    assert len(await measure_strangers(app)) == MAX_COUNTRIES + 1

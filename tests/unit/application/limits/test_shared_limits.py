"""The use of limits that many phones share, and the approximate limits of one process."""

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.limits.measure_limits import MAX_COUNTRIES, LimitUse
from application.limits.request_limits import MAX_SUBJECTS, RequestLimit, RequestLimits
from domain.errors import TooManyAttemptsFromIp, TooManyOtpRequests, TooManyRequests
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import parse_phone
from tests.support.core_harness import CoreHarness, make_core_policy
from tests.support.fakes.clock import SecondsClock

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
        if use.limit.startswith("unverified") and use.clients == "strangers"
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
    assert warnings_in(caplog) == [{**high, "clients": "strangers", "percent": 100}]


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
        "clients": "strangers",
        "country": "US",
    }


async def test_a_limit_of_an_ip_that_rejects_is_a_warning_once_an_hour_and_names_the_cause(
    clock: SecondsClock, caplog: pytest.LogCaptureFixture
) -> None:
    one = SlidingWindow(1, timedelta(hours=1))
    limits = replace(RateLimits(), per_ip=one, verifications_per_ip=one)
    app = CoreHarness(policy=make_core_policy(rate_limits=limits))
    requests = RequestLimits(None, one, 1, clock, app.limits.limit_alerts)
    await app.request_otp(GERMAN_PHONE)
    with suppress(TooManyAttemptsFromIp):
        for _ in range(2):
            await app.verify_otp("000000", GERMAN_PHONE, client_ip="203.0.113.9")
    for phone in ("+14155550101", "+12125550102"):
        with pytest.raises(TooManyOtpRequests):
            await app.request_otp(parse_phone(phone, None))
    with suppress(TooManyRequests):
        for _ in range(2):
            requests.acquire_for_ip("203.0.113.9")

    warnings = warnings_in(caplog)
    assert {each["event"] for each in warnings} == {"ip_limit_reached"}
    assert [each["counted"] for each in warnings] == ["attempts", "messages", "requests"]
    assert all("docs/server.md" in str(each["fix"]) for each in warnings)


@pytest.fixture
def clock() -> SecondsClock:
    return SecondsClock()


def a_limit(clock: SecondsClock, count: int = 3, workers: int = 1) -> RequestLimit:
    return RequestLimit(SlidingWindow(count, timedelta(minutes=1)), workers, clock)


def acquire_at_once(limit: RequestLimit, subject: str = "a") -> int:
    """Return how many requests are allowed at once."""
    for count in range(10**6):
        try:
            limit.acquire(subject)
        except TooManyRequests:
            return count
    raise AssertionError


def test_the_next_request_is_allowed_after_retry_after(clock: SecondsClock) -> None:
    limit = a_limit(clock)
    assert [acquire_at_once(limit, subject) for subject in "abc"] == [3, 3, 3]
    for pause, seconds in ((0, 20), (0, 20), (19.9, 1)):
        clock.seconds += pause
        with pytest.raises(TooManyRequests) as error:
            limit.acquire("a")
        assert error.value.retry_after == seconds
    clock.seconds += 0.1
    assert acquire_at_once(limit) == 1
    clock.seconds += 60
    assert acquire_at_once(limit) == 3


@given(st.integers(1, 20), st.lists(st.floats(0, 60), max_size=30))
def test_at_most_twice_the_limit_comes_in_a_period(count: int, pauses: list[float]) -> None:
    clock = SecondsClock()
    limit = a_limit(clock, count)
    allowed: list[float] = []
    for pause in pauses:
        clock.seconds += pause
        allowed += [clock.seconds] * acquire_at_once(limit)
    for began_at in allowed:
        assert sum(began_at <= time < began_at + 60 for time in allowed) <= 2 * count


def test_each_worker_has_a_share_of_at_least_one(clock: SecondsClock) -> None:
    for workers, share in ((1, 6), (4, 2), (100, 1)):
        assert acquire_at_once(a_limit(clock, 6, workers)) == share
    unlimited = RequestLimit(None, 1, clock)
    for _ in range(1000):
        unlimited.acquire("a")


def test_memory_is_bounded_and_a_subject_that_sends_too_much_is_not_forgotten(
    clock: SecondsClock,
) -> None:
    limit = a_limit(clock)
    assert acquire_at_once(limit, "quiet") == 3
    assert acquire_at_once(limit, "loud") == 3
    for number in range(MAX_SUBJECTS):
        limit.acquire(str(number))
        if number % 1000 == 0:
            assert acquire_at_once(limit, "loud") == 0
    assert acquire_at_once(limit, "loud") == 0
    assert acquire_at_once(limit, "quiet") == 3

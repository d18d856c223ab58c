"""Operators are warned of a shared limit before it rejects, and when it does."""

import logging
from datetime import timedelta

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.core_harness import CoreHarness, make_core_policy


def a_phone_of_another_range(number: int) -> PhoneNumber:
    return parse_phone(f"+1{(212, 213, 305, 415, 503, 617)[number]}5550100")


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
    for number in range(count):
        try:
            await app.request_otp(a_phone_of_another_range(number), client_ip=f"10.{number}.0.1")
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

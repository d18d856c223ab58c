"""The rate limits that many phones share. The tests of the domain prove which there are."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.otp.events import OtpAttemptsExhausted, OtpVerificationFailed
from application.otp.log_in import LoggedIn
from application.ports.errors import StorageTimeout, StorageUnavailable
from application.ports.otp import PausedProvider
from domain.errors import (
    DeliveryFailed,
    TooManyAttempts,
    TooManyAttemptsFromIp,
)
from domain.otp.delivery import Delivery
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.core_harness import CoreHarness, make_core_policy, wrong_code
from tests.support.fakes.messenger import ACCEPTED
from tests.support.fault_injector import cancel_this

HOUR = timedelta(hours=1)
ONE_PER_HOUR = SlidingWindow(1, HOUR)
OTHER_IP = "203.0.113.8"
ABOUT_AN_HOUR = range(3600, 3661)
"""Seconds. A permit may count up to one sixtieth of its period longer."""


def phone(number: int, number_range: str = "+1415555") -> PhoneNumber:
    return parse_phone(f"{number_range}{2000 + number}", None)


def app_with_limits(**limits: Any) -> CoreHarness:
    return CoreHarness(policy=make_core_policy(rate_limits=replace(RateLimits(), **limits)))


def network_ip(number: int) -> str:
    """Return an IP in a network of its own."""
    return f"198.18.{number}.1"


async def log_in(app: CoreHarness, phone: PhoneNumber, client_ip: str) -> None:
    await app.request_otp(phone, client_ip)
    assert isinstance(await app.verify_otp(app.last_code, phone, client_ip), LoggedIn)


async def test_while_no_provider_is_called_nothing_is_used_up() -> None:
    app = CoreHarness()
    await app.request_otp(phone(1), CLIENT_IP)
    before = app.database.permits
    until = app.clock.now() + timedelta(seconds=41.5)
    app.messenger.pause = PausedProvider("acme", "No answer.", until)
    assert not (await app.request_otp(phone(1), CLIENT_IP)).sent  # it has a code already
    with pytest.raises(DeliveryFailed) as error:
        await app.request_otp(phone(2), CLIENT_IP)
    assert error.value.retry_after == 42
    assert app.database.permits == before
    assert phone(2) not in app.database.phone_verifications
    app.messenger.pause = None
    assert (await app.request_otp(phone(2), CLIENT_IP)).sent


async def test_attempts_of_an_ip_are_limited_over_all_phones() -> None:
    app = app_with_limits(verifications_per_ip=SlidingWindow(5, HOUR))
    await app.request_otp(phone(3), OTHER_IP)
    code = app.last_code
    await app.verify_otp("000000", phone(2), CLIENT_IP)
    await log_in(app, phone(1), CLIENT_IP)  # a correct code gives its permit back
    for _ in range(4):  # the same again is not counted for the phone, but for the IP
        await app.verify_otp("000000", phone(3), CLIENT_IP)
    with pytest.raises(TooManyAttemptsFromIp) as error:
        await app.verify_otp("000000", phone(3), CLIENT_IP)
    assert error.value.retry_after in ABOUT_AN_HOUR
    assert app.events.of_type(OtpAttemptsExhausted)[-1].reason == "of this IP, for all phones"
    assert isinstance(await app.verify_otp(code, phone(3), OTHER_IP), LoggedIn)


async def is_looked_at(app: CoreHarness, client_ip: str) -> bool:
    code = wrong_code(app.last_code, len(app.events.of_type(OtpVerificationFailed)) + 1)
    try:
        await app.verify_otp(code, a_phone(1), client_ip)
    except TooManyAttempts:
        return False
    return True


@pytest.mark.parametrize("limit_name", ["others_per_country", "others_total"])
async def test_at_the_limit_attempts_of_others_are_not_looked_at(limit_name: str) -> None:
    app = app_with_limits(**{limit_name: SlidingWindow(3, HOUR)})
    await app.request_otp(a_phone(1), CLIENT_IP)
    for number in range(1, 4):
        assert await is_looked_at(app, network_ip(number))
    assert not await is_looked_at(app, network_ip(4))
    assert app.events.of_type(OtpAttemptsExhausted)[-1].reason == "of others, for all phones"
    assert await is_looked_at(app, CLIENT_IP)


async def test_only_wrong_codes_of_others_that_count_use_the_limit() -> None:
    app = app_with_limits(others_total=ONE_PER_HOUR)
    await app.verify_otp("000000", a_phone(1), OTHER_IP)  # without an active code
    request_id = (await app.request_otp(a_phone(1), CLIENT_IP)).request_id
    code = app.last_code
    await app.verify_otp(wrong_code(code), a_phone(1), CLIENT_IP)
    await app.verify_otp(wrong_code(code), a_phone(1), OTHER_IP, request_id=request_id)
    assert isinstance(await app.verify_otp(code, a_phone(1), OTHER_IP), LoggedIn)
    await app.verify_otp(code, a_phone(1), network_ip(1))  # the code that was just used
    assert "total:attempts:others" not in +app.database.permits


# Permits of a delivery

UNVERIFIED = "deliveries:unverified"


def deliveries(app: CoreHarness) -> tuple[Delivery, ...]:
    return app.database.phone_verifications[a_phone()].value.deliveries.all


def unverified(app: CoreHarness) -> int:
    """Return how many permits of unverified deliveries are held in total."""
    permits = app.database.permits.items()
    return sum(count for name, count in permits if name.startswith(f"total:{UNVERIFIED}"))


async def test_a_login_clears_the_permits_of_all_that_had_its_code_and_releases_them_once(
    app: CoreHarness,
) -> None:
    await app.request_otp(a_phone(2))
    for _ in range(2):
        await app.request_otp()
        app.advance(30)
    assert unverified(app) == 3

    repeats = (app.verify_otp(app.last_code) for _ in range(20))
    results = await asyncio.gather(*repeats)

    assert any(isinstance(result, LoggedIn) for result in results)
    assert [delivery.permits for delivery in deliveries(app)] == [None, None]
    assert unverified(app) == 1


@pytest.mark.parametrize(
    ("is_done", "error", "held"), [(False, StorageUnavailable, 0), (True, StorageTimeout, 1)]
)
async def test_a_delivery_that_may_be_recorded_keeps_its_permits(
    app: CoreHarness, error: type[Exception], held: int, *, is_done: bool
) -> None:
    app.faults.fail_on("phone_verifications.save", is_done=is_done)
    with pytest.raises(error):
        await app.request_otp()
    assert unverified(app) == held


async def test_a_delivery_whose_write_was_cancelled_keeps_its_permits(app: CoreHarness) -> None:
    app.faults.run_before("phone_verifications.save", cancel_this)
    with pytest.raises(asyncio.CancelledError):
        await app.request_otp()
    assert unverified(app) == 1


async def test_the_provider_that_took_a_code_is_recorded(app: CoreHarness) -> None:
    app.messenger.names = ("first", "second")
    for provider in ("first", "second", "second"):
        app.messenger.result = replace(ACCEPTED, provider=provider)
        await app.request_otp()
        assert deliveries(app)[-1].provider == provider
        app.advance(61)
    assert app.messenger.last_providers == ["", "first", "second"]

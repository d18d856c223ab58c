"""Calling a caller back with a code."""

import asyncio
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from application.otp.events import OtpRequestRejected, OtpSuppressed
from application.otp.log_in import LoggedIn
from application.otp.provider_pause import PAUSE
from application.ports.errors import StorageTimeout, StorageUnavailable
from application.ports.otp import DeliveryResult
from domain.features.voice.call import Call, CallDirection, CallStatus
from domain.otp.challenge import OtpCode
from domain.otp.delivery import Channel
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone, an_id
from tests.support.core_harness import WEBHOOK_URLS, wrong_code
from tests.support.fakes.messenger import NOT_CONNECTED, REJECTED, UNKNOWN
from tests.support.fault_injector import cancel_this
from tests.support.voice.stored import stored_calls

HOUR = timedelta(hours=1)


def app_with_phone_line(**policy: Any) -> AppHarness:
    return AppHarness(policy=make_policy(webhook_urls=WEBHOOK_URLS, **policy))


@pytest.fixture
def app() -> AppHarness:
    return app_with_phone_line()


# The call


async def test_the_phone_is_called_and_the_call_is_recorded(app: AppHarness) -> None:
    assert await app.callbacks.request(a_phone(), an_id(1))
    assert app.call_provider.calls == {}
    for _ in range(2):
        assert await app.callbacks.place(a_phone(), an_id(1), an_id(9))
    ((provider_call_id, placed),) = app.call_provider.calls.items()
    (stored,) = stored_calls(app.database).values()
    (callback,) = app.database.phone_verifications[a_phone()].value.callbacks.all
    assert placed.phone == a_phone()
    assert stored.value == Call(
        id=callback.call_id,
        direction=CallDirection.OUTBOUND,
        started_at=app.clock.now(),
        provider_call_id=provider_call_id,
        identity_id=an_id(9),
        challenge_id=callback.challenge.id,
    )


async def test_without_a_phone_line_nobody_is_called_back() -> None:
    app = AppHarness()
    assert not await app.request_callback()
    assert (app.call_provider.calls, app.database.phone_verifications) == ({}, {})


@pytest.mark.parametrize(
    ("number", "reasons"),
    [
        ("+14155552671", []),
        ("+919876543210", ["the country is not served"]),
        ("+18005550199", ["the kind of the number"]),
    ],
)
async def test_only_phones_that_get_codes_are_called_back(number: str, reasons: list[str]) -> None:
    app = app_with_phone_line(countries={"US"})
    assert await app.request_callback(PhoneNumber(number)) == (not reasons)
    assert len(app.call_provider.calls) == (not reasons)
    rejections = app.events.of_type(OtpRequestRejected)
    assert [rejection.reason for rejection in rejections] == reasons


# Limits


OF_STRANGERS = {
    f"{subject}:calls:callbacks:strangers" for subject in ("country:US", "total", "range:{}")
}


def permits(app: AppHarness) -> Counter[str]:
    """Return the permits of callbacks, without the hash of the number range."""
    held = app.database.permits.items()
    return Counter({re.sub(r"range:[^:]+", "range:{}", name): count for name, count in held})


def in_range(number: int) -> PhoneNumber:
    """Return a phone in a number range of its own."""
    return parse_phone(f"+1415{200 + number}2671", None)


async def test_a_third_callback_within_an_hour_is_a_rejection_of_its_phone(
    app: AppHarness,
) -> None:
    assert [await app.request_callback() for _ in range(3)] == [True, True, False]
    await app.otp.rejections.write()
    [rejection] = app.database.phone_verifications[a_phone()].value.rejections
    assert (rejection.limit, rejection.channel, rejection.until) == (
        "per_phone",
        Channel.VOICE,
        app.clock.now() + HOUR,
    )


async def test_after_forged_numbers_owners_of_established_identities_are_called_back() -> None:
    limits = RateLimits(callbacks_per_country=SlidingWindow(20, HOUR))
    app = app_with_phone_line(rate_limits=limits)
    owner = in_range(300)
    for days in (0, 1, 8):
        app.advance(days=days)
        await app.open_session(owner)
    # One range has 5 %.
    forged = [await app.request_callback(a_phone(number)) for number in range(1, 9)]
    assert sum(forged) == 3
    forged += [await app.request_callback(in_range(number)) for number in range(12)]
    assert sum(forged) == 12
    assert await app.request_callback(owner)
    assert permits(app)["country:US:calls:callbacks:reserve"] == 1


async def test_of_parallel_callbacks_two_are_placed_and_use_no_limit_of_deliveries(
    app: AppHarness,
) -> None:
    called_back = await asyncio.gather(*(app.request_callback() for _ in range(10)))
    assert sum(called_back) == len(app.call_provider.calls) == 2
    assert permits(app) == dict.fromkeys(OF_STRANGERS, 2)
    for _ in range(5):
        assert (await app.request_otp()).sent
        app.advance(60)


async def test_a_callback_that_is_requested_twice_at_once_counts_once(app: AppHarness) -> None:
    requests = (app.callbacks.request(a_phone(), an_id(1)) for _ in range(5))
    assert await asyncio.gather(*requests) == [True] * 5
    assert permits(app) == dict.fromkeys(OF_STRANGERS, 1)


# Results of the provider


async def test_while_the_provider_pauses_a_callback_uses_up_nothing(
    app: AppHarness,
) -> None:
    app.call_provider.result = UNKNOWN
    for number in range(1, 4):
        assert await app.callbacks.request(a_phone(number), an_id(number))
        assert await app.callbacks.place(a_phone(number), an_id(number), None)
    permits, other = app.database.permits, parse_phone("+4915112345678")
    assert not await app.callbacks.request(other, an_id(4))
    assert app.database.permits == permits
    assert other not in app.database.phone_verifications
    app.advance(PAUSE.total_seconds())
    assert await app.callbacks.request(other, an_id(4))


@pytest.mark.parametrize("result", [NOT_CONNECTED, REJECTED])
async def test_a_call_that_is_not_placed_counts_for_an_hour_and_releases_permits(
    app: AppHarness, result: DeliveryResult
) -> None:
    app.call_provider.result = result
    for _ in range(2):
        for _ in range(5):
            assert not await app.request_callback()
        app.advance(hours=1, minutes=2)
    assert len(stored_calls(app.database)) == 4
    assert {call.value.status for call in stored_calls(app.database).values()} == {
        CallStatus.FAILED
    }
    kept = {} if result is NOT_CONNECTED else {"range:{}:calls:callbacks:strangers": 4}
    assert +permits(app) == kept
    app.call_provider.result = None
    assert await app.request_callback()


@pytest.mark.parametrize("operation", ["phone_verifications.save", "calls.add"])
async def test_no_call_is_placed_if_something_cannot_be_recorded(
    app: AppHarness, operation: str
) -> None:
    app.faults.fail_on(operation)
    with pytest.raises(StorageUnavailable):
        await app.request_callback()
    assert app.call_provider.calls == {}
    assert +permits(app) == {}
    app.advance(hours=1)
    assert [await app.request_callback() for _ in range(3)] == [True, True, False]


async def test_a_callback_that_may_be_recorded_keeps_its_permits(app: AppHarness) -> None:
    app.faults.fail_on("phone_verifications.save", is_done=True)
    with pytest.raises(StorageTimeout):
        await app.request_callback()
    assert permits(app)["country:US:calls:callbacks:strangers"] == 1

    app.faults.run_before("phone_verifications.save", cancel_this)
    with pytest.raises(asyncio.CancelledError):
        await app.request_callback(a_phone(2))
    assert permits(app)["country:US:calls:callbacks:strangers"] == 2


@pytest.mark.parametrize(
    "operation", ["calls.replace", "phone_verifications.save", "limit_store.release"]
)
async def test_a_rejected_call_is_rejected_if_its_record_cannot_be_changed(
    app: AppHarness, operation: str
) -> None:
    app.call_provider.result = REJECTED
    app.faults.fail_on(operation, after="calls.add")
    assert not await app.request_callback()
    assert app.faults.has_fired


# Blocked phones


async def test_a_blocked_phone_is_counted_alike_and_not_called(app: AppHarness) -> None:
    await app.identities.operator_actions.block(a_phone())
    assert [await app.request_callback() for _ in range(3)] == [True, True, False]
    assert app.events.types.count(OtpSuppressed) == 2
    assert (app.call_provider.calls, stored_calls(app.database)) == ({}, {})
    assert app.database.permits["country:US:calls:callbacks:strangers"] == 2
    app.call_provider.result = REJECTED
    await app.request_callback(a_phone(2))
    app.advance(hours=1)
    assert not await app.request_callback()


# Attempts


async def test_failures_at_a_callback_count_on_the_limit_of_all_failures() -> None:
    app = app_with_phone_line(rate_limits=RateLimits(failed_attempts_total=SlidingWindow(3, HOUR)))
    await app.request_callback()
    for number in range(2):
        await app.verify_otp(f"{number:06d}", client_ip=f"10.1.{number}.1")
        await app.verify_otp(f"{number:06d}", a_phone(2), f"10.1.{number}.1")
    assert app.database.permits["total:attempts:failures"] == 2
    await app.request_otp(a_phone(3))
    await app.verify_otp(wrong_code(app.last_code), a_phone(3))
    await app.request_callback(a_phone(4))
    (limited,) = app.database.phone_verifications[a_phone(4)].value.callbacks.all
    assert limited.counter.limit == 2


async def test_nothing_is_placed_for_a_test_phone() -> None:
    app = app_with_phone_line(test_otps=TestOtps((TestOtp(a_phone(), OtpCode("123456")),)))
    assert await app.request_callback()
    assert app.call_provider.calls == {}
    assert isinstance(await app.verify_otp("123456"), LoggedIn)

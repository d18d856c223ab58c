"""Requesting a code, the limits that many phones share, and what is kept of rejections."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest

from application.otp import recent_rejections
from application.otp.events import (
    FixedCodeUsed,
    OtpAttemptsExhausted,
    OtpRequestRejected,
    OtpVerificationFailed,
    ProviderPaused,
)
from application.otp.log_in import LoggedIn, OtpRejected
from application.otp.recent_rejections import WRITE_INTERVAL
from application.ports.errors import OperationRejected, StorageTimeout, StorageUnavailable
from application.ports.otp import DeliveryResult, PausedProvider
from domain.errors import (
    CountryNotServed,
    DeliveryFailed,
    DomainError,
    PhoneUnreachable,
    TooManyAttempts,
    TooManyAttemptsFromIp,
    TooManyOtpRequests,
)
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.delivery import Channel, Delivery
from domain.otp.delivery_policy import Rejection
from domain.otp.fixed_codes import FixedCode, FixedCodes
from domain.otp.messages import MessagePreferences, Platform
from domain.otp.permits import Recognition
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.builders import CLIENT_IP, NOW, a_phone
from tests.support.core_harness import CoreHarness, make_core_policy, wrong_code
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN, FakeMessenger
from tests.support.fault_injector import cancel_this

INDIAN_PHONE = parse_phone("+919876543210")


async def test_the_message_fits_country_platform_and_locale(app: CoreHarness) -> None:
    preferences = MessagePreferences(Platform.ANDROID, "pt-BR", "FA+9qCX9VSu")
    await app.request_otp(INDIAN_PHONE, preferences=preferences)
    app.advance(100)
    # A resend in another locale has the same code and the time left.
    await app.request_otp(INDIAN_PHONE, preferences=MessagePreferences(Platform.WEB, "de"))
    first, second = app.messenger.messages
    assert first.code not in repr(app.messenger.sent)
    assert first.phone == INDIAN_PHONE
    assert first.text == f"{first.code} IN android pt-BR FA+9qCX9VSu 0:05:00"
    assert second.text == f"{first.code} IN web de None 0:03:20"


async def test_codes_are_sent_to_served_countries_only() -> None:
    app = CoreHarness(policy=make_core_policy(countries={"IN"}))
    assert (await app.request_otp(INDIAN_PHONE)).sent
    with pytest.raises(CountryNotServed):
        await app.request_otp(a_phone())
    assert len(app.messenger.messages) == len(app.database.phone_verifications) == 1
    assert app.events.of_type(OtpRequestRejected)[-1].limit == "country_not_served"


@pytest.mark.parametrize("purpose", Purpose)
async def test_a_blocked_number_without_an_account_gets_no_messages(
    app: CoreHarness, purpose: Purpose
) -> None:
    await app.identities.operator_actions.block(a_phone())
    with pytest.raises(CountryNotServed):
        await app.request_otp(purpose=purpose)
    assert (app.messenger.messages, app.database.permits) == ([], {})
    await app.identities.operator_actions.unblock(a_phone())
    assert (await app.request_otp(purpose=purpose)).sent


async def test_a_number_that_is_blocked_during_its_request_gets_no_message(
    app: CoreHarness,
) -> None:
    block = partial(app.identities.operator_actions.block, a_phone())
    app.faults.run_before("phone_verifications.save", block)
    with pytest.raises(CountryNotServed):
        await app.request_otp()
    assert app.faults.has_fired
    assert (app.messenger.messages, app.database.permits) == ([], {})


async def test_network_and_pause_come_before_the_limits_of_the_phone(app: CoreHarness) -> None:
    for _ in range(5):
        app.advance(60)
        assert (await app.request_otp()).sent
    app.advance(60)
    until = app.clock.now() + timedelta(hours=1)
    app.messenger.pause = PausedProvider("acme", "No answer.", until)
    with pytest.raises(DeliveryFailed):
        await app.request_otp()
    blocked = app.adding(find_network_block=lambda _client_ip, _now: until)
    for harness, limit in ((blocked, "block_network"), (app, "per_phone_and_network")):
        with pytest.raises(TooManyOtpRequests) as error:
            await harness.request_otp()
        assert error.value.limit == limit
        app.messenger.pause = None


@pytest.mark.parametrize(
    ("result", "error_type"), [(REJECTED, DeliveryFailed), (INVALID_NUMBER, PhoneUnreachable)]
)
async def test_a_message_that_is_not_sent_starts_a_cooldown(
    result: DeliveryResult, error_type: type[DeliveryFailed | PhoneUnreachable]
) -> None:
    app = CoreHarness(messenger=FakeMessenger(result))
    with pytest.raises(error_type) as error:
        await app.request_otp()
    # Other reasons than what the person can do may be about our account.
    assert error.value.message == (result.reason if result is INVALID_NUMBER else "")
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp()
    # An unknown result counts as sent.
    app.advance(15)
    app.messenger.result = UNKNOWN
    assert [(await app.request_otp()).sent for _ in range(2)] == [True, False]
    assert isinstance(await app.verify_otp(app.last_code), LoggedIn)


@pytest.mark.parametrize(
    "operation",
    ["phone_verifications.load", "limit_store.acquire"],
)
async def test_of_two_requests_for_the_last_permit_the_other_refers_to_its_delivery(
    operation: str,
) -> None:
    limits = RateLimits(per_ip=SlidingWindow(1, timedelta(hours=1)))
    app = CoreHarness(policy=make_core_policy(rate_limits=limits))
    app.faults.run_before(operation, app.request_otp)
    result = await app.request_otp()
    assert app.faults.has_fired
    assert len(app.messenger.messages) == 1
    assert isinstance(await app.verify_otp(app.last_code, request_id=result.request_id), LoggedIn)


async def test_the_cooldown_starts_when_the_request_arrives(app: CoreHarness) -> None:
    app.messenger.gate = asyncio.Event()
    first = asyncio.create_task(app.request_otp())
    await app.messenger.arrived.wait()
    app.advance(10)
    again = await app.request_otp()
    app.messenger.gate.set()
    result = await first
    assert (again.sent, again.request_id != result.request_id) == (False, True)
    assert (result.resend_in, result.expires_in) == (5, 290)
    app.advance(5)
    assert (await app.request_otp()).sent


# Test phones


REVIEWER: Final = a_phone(1)
CODE: Final = "123456"
FIXED_CODES: Final = FixedCodes((FixedCode(REVIEWER, OtpCode(CODE), NOW + timedelta(days=10)),))
OTHER_IP: Final = "198.51.100.20"


async def test_a_fixed_code_needs_no_cooldown_served_country_or_provider() -> None:
    app = CoreHarness(policy=make_core_policy(fixed_codes=FIXED_CODES, countries={"IN"}))
    app.messenger.result = REJECTED
    for client_ip in (CLIENT_IP, OTHER_IP):
        assert isinstance(await app.verify_otp(CODE, REVIEWER), OtpRejected)
        requests = [await app.request_otp(REVIEWER, client_ip) for _ in range(2)]
        assert all(request.sent for request in requests)
        used = app.events.of_type(FixedCodeUsed)
        assert [(each.phone, each.reason) for each in used[-2:]] == [(REVIEWER, "requested")] * 2
        logged_in = await app.verify_otp(CODE, REVIEWER, request_id=requests[-1].request_id)
        assert isinstance(logged_in, LoggedIn)
    with pytest.raises(CountryNotServed):
        await app.request_otp(a_phone(2))


HOUR = timedelta(hours=1)


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
    await app.request_otp(a_phone(1), CLIENT_IP)
    before = app.database.permits
    until = app.clock.now() + timedelta(seconds=41.5)
    app.messenger.pause = PausedProvider("acme", "No answer.", until)
    assert not (await app.request_otp(a_phone(1), CLIENT_IP)).sent  # it has a code already
    with pytest.raises(DeliveryFailed) as error:
        await app.request_otp(a_phone(2), CLIENT_IP)
    assert error.value.retry_after == 42
    assert app.database.permits == before
    assert a_phone(2) not in app.database.phone_verifications
    app.messenger.pause = None
    assert (await app.request_otp(a_phone(2), CLIENT_IP)).sent


async def test_attempts_of_an_ip_are_limited_over_all_phones() -> None:
    app = app_with_limits(verifications_per_ip=SlidingWindow(5, HOUR))
    await app.request_otp(a_phone(3), OTHER_IP)
    code = app.last_code
    await app.verify_otp("000000", a_phone(2), CLIENT_IP)
    await log_in(app, a_phone(1), CLIENT_IP)  # a correct code gives its permit back
    for _ in range(4):  # the same again is not counted for the phone, but for the IP
        await app.verify_otp("000000", a_phone(3), CLIENT_IP)
    with pytest.raises(TooManyAttemptsFromIp) as error:
        await app.verify_otp("000000", a_phone(3), CLIENT_IP)
    # A permit may count up to one sixtieth of its period longer.
    assert 3600 <= error.value.retry_after <= 3660
    assert app.events.of_type(OtpAttemptsExhausted)[-1].reason == "of this IP, for all phones"
    assert isinstance(await app.verify_otp(code, a_phone(3), OTHER_IP), LoggedIn)


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
    app = app_with_limits(others_total=SlidingWindow(1, HOUR))
    await app.verify_otp("000000", a_phone(1), OTHER_IP)  # without an active code
    request_id = (await app.request_otp(a_phone(1), CLIENT_IP)).request_id
    code = app.last_code
    await app.verify_otp(wrong_code(code), a_phone(1), CLIENT_IP)
    await app.verify_otp(wrong_code(code), a_phone(1), OTHER_IP, request_id=request_id)
    assert isinstance(await app.verify_otp(code, a_phone(1), OTHER_IP), LoggedIn)
    await app.verify_otp(code, a_phone(1), network_ip(1))  # the code that was just used
    assert "total:attempts:others" not in +app.database.permits


def deliveries(app: CoreHarness) -> tuple[Delivery, ...]:
    return app.database.phone_verifications[a_phone()].value.deliveries.all


def unverified(app: CoreHarness) -> int:
    """Return how many permits of unverified deliveries are held in total."""
    permits = app.database.permits.items()
    return sum(count for name, count in permits if name.startswith("total:deliveries:unverified"))


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


async def test_a_delivery_that_may_be_recorded_keeps_its_permits(app: CoreHarness) -> None:
    app.faults.fail_on("phone_verifications.save")
    with pytest.raises(StorageUnavailable):
        await app.request_otp()
    assert unverified(app) == 0
    app.faults.fail_on("phone_verifications.save", is_done=True)
    with pytest.raises(StorageTimeout):
        await app.request_otp()
    assert unverified(app) == 1
    app.faults.run_before("phone_verifications.save", cancel_this)
    with pytest.raises(asyncio.CancelledError):
        await app.request_otp(a_phone(2))
    assert unverified(app) == 2


async def test_the_provider_that_took_a_code_is_recorded(app: CoreHarness) -> None:
    app.messenger.names = ("first", "second")
    for provider in ("first", "second", "second"):
        app.messenger.result = replace(ACCEPTED, provider=provider)
        await app.request_otp()
        assert deliveries(app)[-1].provider == provider
        app.advance(61)
    assert app.messenger.last_providers == ["", "first", "second"]


def make_app(per_country: int = 1_000, **policy: Any) -> CoreHarness:
    window = SlidingWindow(per_country, timedelta(hours=1))
    return CoreHarness(
        policy=make_core_policy(rate_limits=RateLimits(per_country=window), **policy)
    )


async def reject(
    app: CoreHarness,
    phone: PhoneNumber | None = None,
    error: type[DomainError] = TooManyOtpRequests,
    client_ip: str = "198.51.100.20",
    **options: Any,
) -> datetime:
    """Request a code that is rejected, and return when."""
    with pytest.raises(error):
        await app.request_otp(phone, client_ip, **options)
    return app.clock.now()


def kept(app: CoreHarness, phone: PhoneNumber | None = None) -> tuple[Rejection, ...]:
    return app.database.phone_verifications[phone or a_phone()].value.rejections


async def flood(app: CoreHarness) -> list[PhoneNumber]:
    """Use up a country by phones of different ranges and networks, and return them."""
    phones = [parse_phone(f"+1415{200 + number}2671", None) for number in range(9)]
    for number, phone in enumerate(phones):
        with suppress(TooManyOtpRequests):
            await app.request_otp(phone, f"10.{number}.0.1")
    app.advance(16)
    return phones


async def use_up_cooldown(app: CoreHarness, phone: PhoneNumber | None = None) -> None:
    """Cause a delivery, and use up the ids of requests within its cooldown."""
    for _ in range(4):
        await app.request_otp(phone)


async def test_a_rejection_says_limit_part_until_when_and_how_the_client_was_known() -> None:
    app = make_app(per_country=8)
    await app.log_in()
    await flood(app)

    with pytest.raises(TooManyOtpRequests) as error:
        await app.request_otp(client_ip="198.51.100.20")
    await app.otp.rejections.write()

    [rejection] = kept(app)
    assert (rejection.limit, rejection.clients) == ("unverified_per_country", "strangers")
    assert rejection.until == app.clock.now() + timedelta(seconds=error.value.retry_after)
    assert rejection.recognition is Recognition.NONE


async def test_a_phone_is_written_once_a_minute(app: CoreHarness) -> None:
    await use_up_cooldown(app)
    app.faults.reset()

    times = []
    for _ in range(9):
        times.append(await reject(app))
        await app.otp.rejections.write()
        app.advance(1)

    assert app.faults.calls.count("phone_verifications.save") == 1
    assert [rejection.at for rejection in kept(app)] == times[:1]
    app.advance(WRITE_INTERVAL.total_seconds())
    await app.otp.rejections.write()
    assert [rejection.at for rejection in kept(app)] == times


async def test_a_phone_without_a_record_gets_none_and_causes_the_same_calls() -> None:
    app = make_app(per_country=8)
    known, *_ = await flood(app)
    await app.otp.rejections.write()
    calls = []
    for phone in (a_phone(), known):
        app.faults.reset()
        await reject(app, phone)
        calls.append(app.faults.calls)

    app.faults.reset()
    await app.otp.rejections.write()

    assert calls[0] == calls[1]
    assert app.faults.calls == ["phone_verifications.load", "phone_verifications.save"]
    assert a_phone() not in app.database.phone_verifications
    assert len(kept(app, known)) == 1


async def test_a_pause_of_the_provider_is_a_rejection() -> None:
    app = CoreHarness(messenger=FakeMessenger(UNKNOWN))
    await app.request_otp()
    app.advance(15)
    until = app.clock.now() + timedelta(seconds=30)
    app.messenger.pause = PausedProvider("acme", "No answer.", until)
    await reject(app, error=DeliveryFailed)
    await app.otp.rejections.write_rest()
    [rejection] = kept(app)
    assert (rejection.limit, rejection.until) == ("provider_paused", until)
    assert (rejection.provider, rejection.cause) == ("acme", "No answer.")
    # For phones without a record the log has the same.
    assert app.events.types[-1] is ProviderPaused


async def test_strangers_keep_no_customer_out_and_use_bounded_memory(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recent_rejections, "MAX_PHONES", 3)
    monkeypatch.setattr(recent_rejections, "MAX_WRITES", 2)
    app = make_app()
    await use_up_cooldown(app)
    rejections = app.otp.rejections
    rejection = Rejection(at=app.clock.now(), channel=Channel.SMS, limit="country_not_served")
    for number in range(2, 4):
        rejections.add(a_phone(number), rejection, has_record=None)
    await reject(app)
    rejections.add(a_phone(4), rejection, has_record=False)
    with caplog.at_level(logging.WARNING):
        await rejections.write()
    assert len(kept(app)) == 1
    dropped = {"event": "rejections_dropped", "rejections": 1}
    assert dropped in [record.msg for record in caplog.records]


async def test_a_failed_write_is_repeated(app: CoreHarness) -> None:
    await use_up_cooldown(app)
    at = await reject(app)
    app.faults.fail_on("phone_verifications.save")
    with pytest.raises(StorageUnavailable):
        await app.otp.rejections.write()
    assert kept(app) == ()
    await app.otp.rejections.write()
    assert [rejection.at for rejection in kept(app)] == [at]


async def test_a_record_that_cannot_be_written_loses_them_and_no_others(
    app: CoreHarness,
) -> None:
    for phone in (a_phone(), a_phone(2)):
        await use_up_cooldown(app, phone)
        await reject(app, phone)

    async def refuse() -> None:
        raise OperationRejected("too large")

    app.faults.run_before("phone_verifications.save", refuse)
    await app.otp.rejections.write()
    await app.otp.rejections.write()
    assert (len(kept(app)), len(kept(app, a_phone(2)))) == (0, 1)

"""Rejected requests are kept with the phones that have a record."""

import logging
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from application.otp import recent_rejections
from application.otp.events import ProviderPaused
from application.otp.recent_rejections import WRITE_INTERVAL
from application.ports.errors import OperationRejected, StorageUnavailable
from application.ports.otp import PausedProvider
from domain.errors import DeliveryFailed, DomainError, TooManyOtpRequests
from domain.otp.delivery import Channel
from domain.otp.permits import Recognition
from domain.otp.rate_limits import RateLimits
from domain.otp.rejection import Rejection
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness, make_core_policy
from tests.support.fakes.messenger import UNKNOWN, FakeMessenger


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
    assert rejection == Rejection(
        at=app.clock.now(),
        channel=Channel.SMS,
        limit="unverified_per_country",
        owner="strangers",
        until=app.clock.now() + timedelta(seconds=error.value.retry_after),
        recognition=Recognition.NONE,
        has_proof=False,
    )


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

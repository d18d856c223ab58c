"""What operators see of a user: why no code arrives, and everything else that helps."""

from contextlib import suppress
from datetime import timedelta

import pytest

from application.ports.otp import DeliveryResult, DeliveryStatus
from domain.errors import DeliveryFailed, TooManyOtpRequests, UserNotFound
from domain.identities.username import parse_username
from domain.otp.challenge import OtpCode
from domain.otp.delivery_policy import Limitation
from domain.otp.delivery_report import ReportedStatus
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from domain.otp.verification_state import NotServed, NotServedReason, VerificationState
from domain.phone import PhoneNumber, parse_phone
from tests.support.acts import BY_COMMAND, show
from tests.support.builders import NOW, a_phone, an_id
from tests.support.core_harness import A_MESSAGE, CoreHarness, make_core_policy


async def verification_of(app: CoreHarness, phone: PhoneNumber | None = None) -> VerificationState:
    state = (await show(app, phone)).verification
    assert state is not None
    return state


# Who it is


async def test_a_user_is_found_by_phone_username_and_id(app: CoreHarness) -> None:
    user = await app.add_user(username="Rahul Sharma")

    for query in (a_phone(), parse_username("rahul  SHARMA"), user.identity.id):
        details = await app.user_details.show_user(BY_COMMAND, query, "ticket")
        assert details.user.subject == user.identity.id
        assert (details.number, details.user.phone) == (a_phone().e164, a_phone())
        hash_of_day, today = app.keyed_hashes.hash_phone_of_day, app.clock.now().date()
        assert details.phone_hash == hash_of_day(a_phone(), today)
        yesterday = today - timedelta(days=1)
        assert details.phone_hash_of_yesterday == hash_of_day(a_phone(), yesterday)
        assert [session.id for session in details.sessions] == [user.session.id]
        assert len(details.devices) == 1


async def test_without_the_full_number_nothing_is_written_to_the_audit(app: CoreHarness) -> None:
    await app.request_otp()
    details = await show(app)
    assert (details.number, details.user.identity) == (a_phone().masked, None)
    assert len(details.deliveries) == 1
    assert app.database.audit_entries == []
    for query in (an_id(77), parse_username("Nobody")):
        with pytest.raises(UserNotFound):
            await app.user_details.show_user(BY_COMMAND, query, "ticket")


async def test_a_deleted_account_shows_only_that_it_was_deleted(app: CoreHarness) -> None:
    principal = await app.add_user()
    await app.identities.delete_user(principal)

    details = await show(app, principal.identity.id)

    assert (details.number, details.verification, details.deliveries) == (None, None, [])
    assert (details.sessions, details.devices) == ([], [])
    assert (await show(app)).user.identity is None


# Why no code arrives


async def test_a_limit_that_many_phones_share_is_named() -> None:
    limits = RateLimits(per_country=SlidingWindow(4, timedelta(hours=1)))
    app = CoreHarness(policy=make_core_policy(rate_limits=limits))
    phones = [parse_phone(f"+1{area}5550100") for area in (212, 213, 305)]
    for number, phone in enumerate(phones):
        with suppress(TooManyOtpRequests):
            await app.request_otp(phone, client_ip=f"10.{number}.0.1")
    app.advance(60)

    state = await verification_of(app, phones[0])

    assert state.next_message.limitation is Limitation.PER_COUNTRY
    with pytest.raises(TooManyOtpRequests) as caught:
        await app.request_otp(phones[0])
    wait = (state.next_message.until - app.clock.now()).total_seconds()
    assert wait == caught.value.retry_after


async def test_a_number_that_is_not_served_says_why() -> None:
    test_otp = TestOtp(a_phone(), OtpCode("123456"), NOW + timedelta(days=30))
    tested = CoreHarness(policy=make_core_policy(test_otps=TestOtps((test_otp,))))
    abroad = CoreHarness(policy=make_core_policy(countries=["IN"]))
    premium = parse_phone("+19005550100", rules=None)
    at_a_premium = (await verification_of(CoreHarness(), premium)).not_served
    assert (await verification_of(abroad)).not_served == NotServed(NotServedReason.COUNTRY, "US")
    assert at_a_premium is not None
    assert "premium" in at_a_premium.detail
    assert (await verification_of(tested)).not_served == NotServed(NotServedReason.TEST_OTP)


async def test_deliveries_have_provider_status_and_error(app: CoreHarness) -> None:
    for result in (
        DeliveryResult(DeliveryStatus.REJECTED, "The account has no credit.", provider="acme"),
        DeliveryResult(DeliveryStatus.ACCEPTED, provider="twilio"),
        DeliveryResult(DeliveryStatus.ACCEPTED, provider="twilio"),
    ):
        app.messenger.result = result
        with suppress(DeliveryFailed):
            await app.request_otp()
        app.advance(minutes=1)
    report_id = (await show(app)).deliveries[0].delivery.report_id
    await app.otp.report_delivery(report_id, ReportedStatus.UNDELIVERED, A_MESSAGE, "30005")

    deliveries = (await show(app)).deliveries
    assert [(each.delivery.provider, each.status, each.error) for each in deliveries] == [
        ("twilio", "undelivered", "30005"),
        ("twilio", "accepted", ""),
        ("acme", "rejected", "The account has no credit."),
    ]

"""What operators see of a user: why no code arrives, and everything else that helps."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from application.otp import deliver_code
from application.ports.otp import DeliveryResult, DeliveryStatus
from domain.administration.audit import AuditAction
from domain.errors import CountryNotServed, DeliveryFailed, TooManyOtpRequests, UserNotFound
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
from tests.support.builders import CLIENT_IP, NOW, a_parsed_token, a_phone, an_id
from tests.support.core_harness import A_MESSAGE, CoreHarness, make_core_policy, wrong_code


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
    await app.user_details.show_user(BY_COMMAND, a_phone(), "ticket 12")
    [entry] = app.database.audit_entries
    assert (entry.action, entry.reason) == (AuditAction.VIEW_PHONE, "ticket 12")
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
    with pytest.raises(UserNotFound):
        await app.user_details.show_user(BY_COMMAND, parse_username("Rahul Sharma"), "ticket")


async def test_a_refresh_token_from_two_networks_is_shown_also_after_its_session(
    app: CoreHarness,
) -> None:
    session = await app.open_session(with_refresh=True, device="Pixel 9")
    token = a_parsed_token(session.tokens.refresh_token or "")
    for client_ip in (CLIENT_IP, "198.51.100.7"):
        await app.identities.refresh_session(token, client_ip)
    repeated_at = app.clock.now()

    repeats = [(token.session_id, repeated_at)]
    for _ in range(2):
        shown = (await show(app)).token_repeats
        assert [(repeat.session_id, repeat.repeated_at) for repeat in shown] == repeats
        await app.administration.act_for_users.sign_out(BY_COMMAND, a_phone(), "ticket")


# Why no code arrives


async def test_a_message_that_waits_names_the_cooldown_and_its_end(app: CoreHarness) -> None:
    await app.request_otp()
    state = await verification_of(app)
    assert state.next_message.limitation is Limitation.COOLDOWN
    assert (state.next_message.until - app.clock.now()).total_seconds() == 15
    assert state.attempts_left == 5


async def test_the_limit_of_the_phone_is_named_and_a_known_device_may_be_free(
    app: CoreHarness,
) -> None:
    for number in range(12):
        await app.request_otp(client_ip=f"10.{number}.0.1")
        app.advance(hours=1)
    state = await verification_of(app)
    assert state.next_message.limitation is Limitation.PER_PHONE
    assert state.next_message_to_known.limitation is None
    with pytest.raises(TooManyOtpRequests) as caught:
        await app.request_otp(client_ip="10.99.0.1")
    wait = (state.next_message.until - app.clock.now()).total_seconds()
    assert wait == caught.value.retry_after


@pytest.mark.parametrize(
    ("name", "limit", "expected"),
    [
        ("per_ip", 1, Limitation.PER_IP),
        ("per_country", 4, Limitation.PER_COUNTRY),
        ("total", 4, Limitation.TOTAL),
    ],
)
async def test_a_limit_that_many_phones_share_is_named(
    name: str, limit: int, expected: Limitation
) -> None:
    windows: Any = {name: SlidingWindow(limit, timedelta(hours=1))}
    app = CoreHarness(policy=make_core_policy(rate_limits=RateLimits(**windows)))
    phones = [parse_phone(f"+1{area}5550100") for area in (212, 213, 305, 415)]
    for number, phone in enumerate(phones):
        with suppress(TooManyOtpRequests):
            ip = CLIENT_IP if name == "per_ip" else f"10.{number}.0.1"
            await app.request_otp(phone, client_ip=ip)
    app.advance(60)

    state = await verification_of(app, phones[0])

    assert state.next_message.limitation is expected


async def test_attempts_and_failures_are_counted(app: CoreHarness) -> None:
    requested = await app.request_otp()
    for number in (1, 2):
        wrong = wrong_code(app.last_code, number)
        await app.verify_otp(wrong, request_id=requested.request_id[:32])
    state = await verification_of(app)
    assert (state.attempts_left, state.failures_in_a_row) == (3, 2)
    app.advance(minutes=5)
    state = await verification_of(app)
    assert (state.attempts_left, state.code_expires_at) == (None, None)


async def test_a_blocked_phone_says_since_when_and_whether_it_gets_messages(
    app: CoreHarness,
) -> None:
    await app.log_in(a_phone(2))
    for phone in (a_phone(), a_phone(2)):
        await app.administration.act_for_users.block(BY_COMMAND, phone, "ticket")
    blocked_at = app.clock.now()
    app.advance(60)
    with pytest.raises(CountryNotServed):
        await app.request_otp()
    await app.otp.rejections.write()

    unknown, user = await verification_of(app), await verification_of(app, a_phone(2))
    assert (unknown.blocked_since, user.blocked_since) == (blocked_at, blocked_at)
    assert (unknown.not_served, user.not_served) == (NotServed(NotServedReason.PHONE_BLOCKED), None)
    assert [each.limit for each in unknown.rejections] == ["block_phone"]


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
    app.messenger.result = DeliveryResult(
        DeliveryStatus.REJECTED, "The account has no credit." * 9, provider="acme"
    )
    with pytest.raises(DeliveryFailed):
        await app.request_otp()
    app.advance(minutes=5)
    app.messenger.result = DeliveryResult(DeliveryStatus.ACCEPTED, provider="twilio")
    await app.request_otp()
    accepted = await show(app)
    report_id = accepted.deliveries[0].delivery.report_id
    await app.otp.report_delivery(report_id, ReportedStatus.UNDELIVERED, A_MESSAGE, "30005")

    shown = [
        (each.delivery.provider, each.status, each.error) for each in (await show(app)).deliveries
    ]
    assert accepted.deliveries[0].status == "accepted"
    assert shown == [
        ("twilio", "undelivered", "30005"),
        ("acme", "rejected", ("The account has no credit." * 9)[:200]),  # a short reason
    ]


async def test_an_unknown_result_is_shown_with_its_reason_until_the_provider_reports(
    app: CoreHarness,
) -> None:
    app.messenger.result = DeliveryResult(
        DeliveryStatus.UNKNOWN, "The message service does not respond.", provider="acme"
    )
    await app.request_otp()
    [unknown] = (await show(app)).deliveries
    await app.otp.report_delivery(unknown.delivery.report_id, ReportedStatus.DELIVERED, A_MESSAGE)
    [reported] = (await show(app)).deliveries

    assert (unknown.delivery.provider, unknown.status, unknown.error) == (
        "acme",
        "unknown",
        "The message service does not respond.",
    )
    assert (reported.status, reported.error) == ("delivered", "")


async def test_while_a_provider_does_not_answer_the_result_is_unknown(
    app: CoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver_code, "SLOW_DELIVERY", 0)
    app.messenger.gate = asyncio.Event()
    requesting = asyncio.create_task(app.request_otp())
    await app.messenger.arrived.wait()
    [waiting] = (await show(app)).deliveries
    app.messenger.gate.set()
    await requesting
    [answered] = (await show(app)).deliveries

    assert (waiting.status, answered.status) == ("unknown", "accepted")
    assert "has not answered yet" in waiting.error

"""The audit names the operator before each act. What operators see of a user."""

from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from application.administration.operator import Operator
from application.ports.administration import AuditFilter, AuditLog
from application.ports.errors import StorageUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus
from application.record_act import ActRecorded
from domain.administration.audit import Actor, ActorKind, AuditAction, AuditEntry
from domain.administration.scopes import Scope
from domain.errors import (
    DeliveryFailed,
    ExternalIdInUse,
    InsufficientScope,
    PhoneInUse,
    TooManyOtpRequests,
    TooManyResets,
    UsernameInUse,
    UserNotFound,
)
from domain.identities.external_id import parse_external_id
from domain.identities.role import Role
from domain.identities.username import parse_username
from domain.otp.challenge import OtpCode
from domain.otp.delivery import ReportedStatus
from domain.otp.delivery_policy import Limitation
from domain.otp.fixed_codes import FixedCode, FixedCodes
from domain.otp.phone_limits import NotServed, NotServedReason, VerificationState
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.acts import BY_COMMAND, show
from tests.support.builders import NOW, a_phone, an_id
from tests.support.core_harness import A_MESSAGE, CoreHarness, make_core_policy
from tests.support.fakes.phone_encryption import FakePhoneEncryption


def recorded_acts(app: CoreHarness) -> list[ActRecorded]:
    return [event for event in app.events.recorded if isinstance(event, ActRecorded)]


async def test_an_act_that_fails_adds_a_second_entry_which_names_the_error(
    app: CoreHarness,
) -> None:
    await app.add_user()
    app.faults.fail_on("identities.replace")
    with pytest.raises(StorageUnavailable):
        await app.administration.act_for_users.sign_out(BY_COMMAND, a_phone(), "again")

    begun, failed = app.database.audit_entries
    assert failed.at > begun.at
    assert failed == replace(
        begun, id=failed.id, at=failed.at, failed_entry_id=begun.id, error="storage_unavailable"
    )
    # The log has both, without the reason.
    logged = recorded_acts(app)
    assert [(each.entry_id, each.actor_id, each.error) for each in logged] == [
        (begun.id, "alice", None),
        (failed.id, "alice", "storage_unavailable"),
    ]
    assert not hasattr(logged[0], "reason")


async def test_an_act_is_in_the_audit_only_with_a_known_subject_and_valid_input(
    app: CoreHarness,
) -> None:
    other = (await app.log_in(a_phone(3))).identity.id
    acts, user = app.administration.act_for_users, (await app.add_user()).identity.id
    deleted = await app.add_user(a_phone(4), "Asha")
    await app.identities.delete_user(deleted)
    gone = deleted.identity.id
    principal = await app.add_administrator(a_phone(9))
    await acts.set_external_id(BY_COMMAND, user, parse_external_id("7"), "ticket")
    for _ in range(2):
        await acts.reset_limits(BY_COMMAND, user, "ticket")
    app.database.records.tables["audit_entries"].clear()

    async def assert_not_recorded(error: type[Exception], call: Awaitable[object]) -> None:
        with pytest.raises(error):
            await call
        assert app.database.audit_entries == []

    for act in (
        acts.reset_limits, acts.block, acts.unblock, acts.sign_out, acts.detach, acts.delete
    ):  # fmt: skip
        await assert_not_recorded(UserNotFound, act(BY_COMMAND, gone, "ticket"))
    await assert_not_recorded(
        UserNotFound, acts.change_role(BY_COMMAND, gone, Role.MEMBER, "ticket")
    )
    await assert_not_recorded(TooManyResets, acts.reset_limits(BY_COMMAND, user, "ticket"))
    for subject, error in ((gone, UserNotFound), (other, ExternalIdInUse)):
        await assert_not_recorded(
            error, acts.set_external_id(BY_COMMAND, subject, parse_external_id("7"), "ticket")
        )
    await assert_not_recorded(PhoneInUse, app.create_user(principal, "Priya", a_phone()))
    for held in ("Rahul Sharma", "Asha"):
        await assert_not_recorded(UsernameInUse, app.create_user(principal, held, a_phone(5)))
    await app.create_user(principal, "Rahul Sharma", a_phone())  # who exists already
    assert app.database.audit_entries == []
    await app.create_user(principal, "Priya", a_phone(6))
    [entry] = app.database.audit_entries
    assert (entry.action, entry.actor.id) == (AuditAction.CREATE_USER, principal.identity.id)
    assert entry.subject == FakePhoneEncryption().hash_phone(a_phone(6))


async def test_an_act_goes_on_after_a_write_of_its_entry_that_was_repeated(
    app: CoreHarness,
) -> None:
    class RepeatedWrites:
        """The first write is done, times out and is repeated."""

        def __init__(self) -> None:
            self.entries: list[AuditEntry] = []

        async def add(self, entry: AuditEntry) -> bool:
            self.entries.append(entry)
            return len(self.entries) > 1

    log = RepeatedWrites()
    record_act = replace(app.use_cases.record_act, audit_log=cast(AuditLog, log))

    async with record_act(BY_COMMAND.actor, AuditAction.BLOCK, an_id(1)):
        pass

    assert len({entry.id for entry in log.entries}) == 2
    assert [event.entry_id for event in recorded_acts(app)] == [log.entries[1].id]


async def test_a_phone_is_named_by_its_hash_and_listed_with_its_later_account(
    app: CoreHarness,
) -> None:
    await app.administration.act_for_users.reset_limits(BY_COMMAND, a_phone(), "ticket")
    [entry] = app.database.audit_entries
    assert entry.subject == FakePhoneEncryption().hash_phone(a_phone())
    assert a_phone().e164[1:] not in repr(entry)

    user_id = (await app.add_user()).identity.id
    await app.administration.act_for_users.block(BY_COMMAND, user_id, "ticket")
    page = await app.administration.list_audit(BY_COMMAND, AuditFilter(subject=user_id), None, 10)
    actions = [entry.action for entry in page.entries]
    assert actions == [AuditAction.BLOCK, AuditAction.RESET_LIMITS]


async def test_a_token_lists_the_audit_only_with_its_scope(app: CoreHarness) -> None:
    token = Operator(Actor(ActorKind.SERVICE_TOKEN, "a"), frozenset({Scope.READ_USERS}))
    with pytest.raises(InsufficientScope):
        await app.administration.list_audit(token, AuditFilter(), None, 10)


async def verification_of(app: CoreHarness, phone: PhoneNumber | None = None) -> VerificationState:
    state = (await show(app, phone)).verification
    assert state is not None
    return state


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
    fixed_code = FixedCode(a_phone(), OtpCode("123456"), NOW + timedelta(days=30))
    tested = CoreHarness(policy=make_core_policy(fixed_codes=FixedCodes((fixed_code,))))
    abroad = CoreHarness(policy=make_core_policy(countries=["IN"]))
    premium = parse_phone("+19005550100", rules=None)
    at_a_premium = (await verification_of(CoreHarness(), premium)).not_served
    assert (await verification_of(abroad)).not_served == NotServed(NotServedReason.COUNTRY, "US")
    assert at_a_premium is not None
    assert "premium" in at_a_premium.detail
    assert (await verification_of(tested)).not_served == NotServed(NotServedReason.FIXED_CODE)


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

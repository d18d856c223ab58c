"""The security events of each use case."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest

from application.identities.events import (
    PhoneBlockedByOperator,
    PhoneUnblockedByOperator,
    RefreshTokenRejected,
    RefreshTokenRepeated,
    RefreshTokenReused,
    RoleChanged,
    SessionRefreshed,
    SessionRevoked,
    UserCreated,
    UserDeleted,
)
from application.identities.sessions import LogoutScope
from application.otp.events import (
    LimitsReset,
    OtpAccepted,
    OtpAttemptsExhausted,
    OtpDelivered,
    OtpNotTaken,
    OtpRequested,
    OtpRequestRejected,
    OtpUnconfirmed,
    OtpUndelivered,
    OtpVerificationFailed,
    PhoneNoticeRejected,
)
from application.otp.log_in import LoggedIn
from application.ports.errors import StorageUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus
from application.ports.security_events import EVENT_TYPES, SecurityEvent
from application.principal import Principal
from application.security_events import SecurityEventListeners
from application.use_cases import UseCases
from domain.errors import (
    CountryNotServed,
    DeliveryFailed,
    InvalidRefreshToken,
    PhoneUnreachable,
    SessionNotFound,
    TooManyAttempts,
    TooManyOtpRequests,
    Unauthenticated,
)
from domain.identities.refresh_token import RefreshToken
from domain.identities.role import Role
from domain.identities.username import parse_username
from domain.otp.delivery import Channel
from domain.otp.delivery_report import ReportedStatus
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.builders import CLIENT_IP, a_parsed_token, a_phone, an_id
from tests.support.core_harness import A_MESSAGE, wrong_code
from tests.support.fakes.security_events import FakeSecurityEvents
from tests.support.markdown import codes, page, tables

OTHER_IP: Final = "198.51.100.20"

OPERATION: Final = dict[str, Callable[[UseCases, PhoneNumber], Awaitable[object]]](
    block=lambda use_cases, phone: use_cases.identities.operator_actions.block(phone),
    unblock=lambda use_cases, phone: use_cases.identities.operator_actions.unblock(phone),
    promote=lambda use_cases, phone: use_cases.identities.operator_actions.change_role(
        phone, Role.ADMINISTRATOR
    ),
    demote=lambda use_cases, phone: use_cases.identities.operator_actions.change_role(
        phone, Role.MEMBER
    ),
    logout=lambda use_cases, phone: use_cases.identities.operator_actions.revoke_sessions(phone),
    reset=lambda use_cases, phone: use_cases.administration.act_for_users.reset_phone_limits(phone),
)


@pytest.fixture
def app() -> AppHarness:
    return AppHarness()


async def request_code(app: AppHarness) -> str:
    """Return the requested code, without its events."""
    await app.request_otp()
    app.events.recorded.clear()
    return app.last_code


async def log_in(app: AppHarness) -> RefreshToken:
    """Return the first refresh token of a new session."""
    tokens = (await app.open_session(with_refresh=True)).tokens
    assert tokens.refresh_token is not None
    return a_parsed_token(tokens.refresh_token)


# Requests for a code


REQUESTED: Final = OtpRequested(phone=a_phone(), channel=Channel.SMS, reason="")
OF_MESSAGE: Final[dict[str, Any]] = {"phone": a_phone(), "channel": Channel.SMS, "provider": "acme"}
OF_ERROR: Final[dict[str, Any]] = {**OF_MESSAGE, "reason": "a reason", "error_code": "30003"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (DeliveryStatus.ACCEPTED, partial(OtpAccepted, **OF_MESSAGE, provider_message_id="SM1")),
        (DeliveryStatus.UNKNOWN, partial(OtpUnconfirmed, **OF_ERROR, provider_message_id="SM1")),
        (DeliveryStatus.REJECTED, partial(OtpNotTaken, **OF_ERROR)),
        (DeliveryStatus.INVALID_NUMBER, partial(OtpNotTaken, **OF_ERROR)),
    ],
)
async def test_a_request_is_recorded_and_what_became_of_the_message(
    app: AppHarness, status: DeliveryStatus, expected: Callable[..., SecurityEvent]
) -> None:
    app.messenger.result = DeliveryResult(
        status, "a reason", provider="acme", provider_message_id="SM1", error_code="30003"
    )
    with suppress(DeliveryFailed, PhoneUnreachable):
        await app.request_otp()
    assert app.events.recorded == [REQUESTED, expected(result=status)]


@pytest.mark.parametrize(
    ("status", "event_type", "details"),
    [
        (ReportedStatus.DELIVERED, OtpDelivered, {}),
        (ReportedStatus.FAILED, OtpUndelivered, {"error_code": "30003", "reason": ""}),
    ],
)
async def test_what_the_provider_reports_later_is_recorded_once(
    app: AppHarness,
    status: ReportedStatus,
    event_type: Callable[..., SecurityEvent],
    details: dict[str, str],
) -> None:
    await app.request_otp()
    [delivery] = app.database.phone_verifications[a_phone()].value.deliveries.all
    app.events.recorded.clear()

    for _ in range(2):
        await app.otp.report_delivery(
            delivery.report_id, status, A_MESSAGE, details.get("error_code")
        )

    assert app.events.recorded == [
        event_type(
            country="",
            phone_hash="",
            channel=Channel.SMS,
            provider="acme",
            provider_message_id="SM1",
            result=status,
            **details,
        )
    ]


async def test_within_the_cooldown_no_code_is_delivered_and_then_requests_are_rejected(
    app: AppHarness,
) -> None:
    await request_code(app)
    for _ in range(3):
        await app.request_otp(client_ip=OTHER_IP)
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(client_ip=OTHER_IP)
    rejected = OtpRequestRejected(
        phone=a_phone(),
        channel=Channel.SMS,
        limit="cooldown",
        reason="too many requests",
        until=app.clock.now() + timedelta(seconds=15),
    )
    reference = replace(REQUESTED, reason="within the cooldown")
    assert app.events.recorded == [*[reference] * 3, rejected]


async def test_a_request_of_a_blocked_phone_without_an_account_says_why(app: AppHarness) -> None:
    await app.identities.operator_actions.block(a_phone())
    app.events.recorded.clear()
    with pytest.raises(CountryNotServed):
        await app.request_otp()
    assert app.events.recorded == [
        OtpRequestRejected(
            phone=a_phone(),
            channel=Channel.SMS,
            limit="block_phone",
            reason="the phone is blocked, and has no account",
        )
    ]


# Verification of a code


async def test_each_wrong_code_fails_until_no_attempts_are_left(app: AppHarness) -> None:
    code = await request_code(app)
    for number in range(1, 6):
        await app.verify_otp(wrong_code(code, number))
    with pytest.raises(TooManyAttempts):
        await app.verify_otp(code)
    assert app.events.recorded == [
        *(
            OtpVerificationFailed(phone=a_phone(), attempts_left=attempts_left)
            for attempts_left in (4, 3, 2, 1, 0)
        ),
        OtpAttemptsExhausted(phone=a_phone(), reason="for this phone"),
    ]


# Sessions and users


async def test_a_refresh_token_that_comes_again_is_recorded_and_then_ends_its_session(
    app: AppHarness,
) -> None:
    token = await log_in(app)
    app.events.recorded.clear()
    refreshed = await app.identities.refresh_session(token, CLIENT_IP)
    await app.identities.refresh_session(token, OTHER_IP)
    await app.identities.authenticate(refreshed.access_token)
    app.advance(60)
    for _ in range(2):
        with pytest.raises(InvalidRefreshToken):
            await app.identities.refresh_session(token, CLIENT_IP)
    assert app.events.recorded == [
        event(user_id=token.identity_id)
        for event in (
            SessionRefreshed,
            RefreshTokenRepeated,
            SessionRefreshed,
            RefreshTokenReused,
            RefreshTokenRejected,
        )
    ]


async def test_each_revocation_and_deletion_is_recorded_once(app: AppHarness) -> None:
    principal = await app.add_user()
    user_id = principal.identity.id
    assert app.events.recorded[-1] == UserCreated(phone=a_phone(), user_id=user_id)
    revocations: dict[str, Callable[[Principal], Awaitable[None]]] = {
        **{f"scope {scope}": partial(app.identities.logout, scope=scope) for scope in LogoutScope},
        "one session, by its id": lambda principal: app.identities.revoke_session(
            principal, principal.session.id
        ),
    }
    for reason, revoke in revocations.items():
        principal = await app.log_in()
        app.events.recorded.clear()
        await revoke(principal)
        assert app.events.recorded == [SessionRevoked(user_id=user_id, reason=reason)]
    with pytest.raises(SessionNotFound):
        await app.identities.revoke_session(principal, principal.session.id)
    await app.identities.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await app.identities.delete_user(principal)
    assert app.events.recorded[1:] == [UserDeleted(user_id=user_id)]


# Operators


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("block", PhoneBlockedByOperator),
        ("unblock", PhoneUnblockedByOperator),
        ("promote", partial(RoleChanged, role=Role.ADMINISTRATOR)),
        ("demote", partial(RoleChanged, role=Role.MEMBER)),
    ],
)
async def test_each_operation_is_recorded_also_when_it_changes_nothing(
    app: AppHarness, name: str, event: Callable[..., SecurityEvent]
) -> None:
    user_id = (await app.add_user()).identity.id
    app.events.recorded.clear()
    for _ in range(2):
        await OPERATION[name](app.use_cases, a_phone())
    assert app.events.recorded == [event(phone=a_phone(), user_id=user_id)] * 2


async def test_operations_on_sessions_and_limits_are_recorded(app: AppHarness) -> None:
    user_id = (await app.add_user()).identity.id
    app.events.recorded.clear()
    for name in ("logout", "logout", "reset"):
        await OPERATION[name](app.use_cases, a_phone())
    revoked = partial(SessionRevoked, phone=a_phone(), user_id=user_id)
    assert app.events.recorded == [
        *(revoked(reason=f"by an operator, sessions: {left}") for left in (1, 0)),
        LimitsReset(phone=a_phone()),
    ]


# Features


async def test_a_notice_that_no_provider_takes_is_recorded(app: AppHarness) -> None:
    identity_id = (await app.add_user()).identity.id
    app.messenger.result = DeliveryResult(
        DeliveryStatus.REJECTED, "a reason", provider="acme", error_code="30003"
    )
    await app.move_phone(identity_id, a_phone(2))
    rejected = PhoneNoticeRejected(**OF_ERROR, result=DeliveryStatus.REJECTED)
    assert app.events.of_type(PhoneNoticeRejected) == [rejected]


# All of them


async def test_without_database_use_cases_fail_and_record_no_event(app: AppHarness) -> None:
    token, principal = await log_in(app), await app.add_user()
    access_token = await app.access_token()
    app.advance(hours=12)
    code = await request_code(app)
    app.events.recorded.clear()
    app.database.is_unavailable = True
    for call in (
        app.request_otp,
        lambda: app.verify_otp(code),
        lambda: app.identities.authenticate(access_token),
        lambda: app.identities.refresh_session(token, CLIENT_IP),
        lambda: app.identities.logout(principal),
        lambda: app.identities.revoke_session(principal, principal.session.id),
        lambda: app.identities.get_user(principal.identity.id),
        lambda: app.identities.rename_user(principal, parse_username("Priya")),
        lambda: app.identities.delete_user(principal),
        lambda: app.get_item(an_id()),
    ):
        with pytest.raises(StorageUnavailable):
            await call()
    for operation in OPERATION.values():
        with pytest.raises(StorageUnavailable):
            await operation(app.use_cases, a_phone())
    assert (app.events.recorded, app.messenger.messages[-1].code) == ([], code)
    app.database.is_unavailable = False
    assert isinstance(await app.verify_otp(code), LoggedIn)


def test_the_documentation_has_each_event_with_its_level() -> None:
    names = {(event.name, "warning" if event.is_warning else "info") for event in EVENT_TYPES}

    table = tables(page("docs/log.md#security-events"))[0]
    listed = [(codes(name)[0], level) for name, level, _ in table]
    assert sorted(listed) == sorted(names)


def test_security_events_are_passed_on_as_they_are() -> None:
    first, added = FakeSecurityEvents(), FakeSecurityEvents()
    listeners = SecurityEventListeners(first)
    listeners.add(added)
    event = LimitsReset(phone=a_phone())
    listeners.record(event)

    assert first.recorded == added.recorded == [event]

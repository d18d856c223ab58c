"""The security events of each use case."""

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from application.identities.sessions import Scope
from application.otp.verify_otp import LoggedIn
from application.ports.errors import StorageUnavailable
from application.ports.messenger import DeliveryResult
from application.ports.security_events import SecurityEvent, SecurityEventType
from application.use_cases import UseCases
from application.wiring import Policy
from domain.errors import (
    CountryNotServed,
    DomainError,
    InvalidRefreshToken,
    SessionNotFound,
    TooManyAttempts,
    TooManyOtpRequests,
    Unauthenticated,
    Unavailable,
    UserNotFound,
)
from domain.identities.identity import Role
from domain.identities.refresh_token import RefreshToken, parse_refresh_token
from domain.otp.challenge import OtpCode
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber
from tests.support.builders import CLIENT_IP, a_phone, an_id
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN
from tests.unit.application.wiring import House, not_this

DOCUMENT: Final = Path(__file__).parents[3] / "docs/security-events.md"
_ROW: Final = re.compile(r"^\| `(\w+)` \|.*\| ([`\w ]+) \|$", re.MULTILINE)
OTHER_IP: Final = "198.51.100.20"
TEST_OTP: Final = "123456"

OPERATION: Final = dict[str, Callable[[UseCases, PhoneNumber], Awaitable[object]]](
    block=lambda use_cases, phone: use_cases.block_phone(phone),
    unblock=lambda use_cases, phone: use_cases.unblock_phone(phone),
    promote=lambda use_cases, phone: use_cases.promote_user(phone),
    demote=lambda use_cases, phone: use_cases.demote_user(phone),
    logout=lambda use_cases, phone: use_cases.revoke_phone_sessions(phone),
)
OPERATION_EVENTS: Final[dict[str, tuple[SecurityEventType, dict[str, Any]]]] = {
    "block": (SecurityEventType.PHONE_BLOCKED, {}),
    "unblock": (SecurityEventType.PHONE_UNBLOCKED, {}),
    "promote": (SecurityEventType.ROLE_CHANGED, {"role": Role.ADMINISTRATOR}),
    "demote": (SecurityEventType.ROLE_CHANGED, {"role": Role.MEMBER}),
    "logout": (SecurityEventType.SESSION_REVOKED, {"reason": "by an operator, sessions: 1"}),
}


@pytest.fixture
def house() -> House:
    return House()


def house_with_test_otp(phone: PhoneNumber) -> House:
    test_otps = TestOtps((TestOtp(phone, OtpCode(TEST_OTP)),))
    return House(rules=Policy(test_otps=test_otps))


def event(
    event_type: SecurityEventType,
    reason: str | None = None,
    *,
    client_ip: str = CLIENT_IP,
    user_id: str | None = None,
    attempts_left: int | None = None,
) -> SecurityEvent:
    return SecurityEvent(
        type=event_type,
        phone=a_phone(),
        client_ip=client_ip,
        user_id=user_id,
        reason=reason,
        attempts_left=attempts_left,
    )


async def request_otp(house: House) -> str:
    """Return the requested code, without its events."""
    await house.ask()
    house.events.emitted.clear()
    return house.messenger.messages[-1].code


async def log_in(house: House) -> RefreshToken:
    """Return the first refresh token of a new session."""
    await house.ask()
    result = await house.answer(house.messenger.messages[-1].code, wants_refresh=True)
    assert isinstance(result, LoggedIn)
    assert result.tokens.refresh_token is not None
    return parse_refresh_token(result.tokens.refresh_token)


# Requests for a code


async def test_a_delivered_code_was_requested_and_delivered(house: House) -> None:
    await house.ask()
    assert house.events.emitted == [
        event(SecurityEventType.OTP_REQUESTED),
        event(SecurityEventType.OTP_DELIVERED),
    ]


async def test_an_unknown_delivery_result_counts_as_delivered(house: House) -> None:
    house.messenger.result = UNKNOWN
    await house.ask()
    assert house.events.emitted == [
        event(SecurityEventType.OTP_REQUESTED),
        event(SecurityEventType.OTP_DELIVERED, UNKNOWN.reason),
    ]


async def test_within_the_cooldown_no_code_is_delivered(house: House) -> None:
    await request_otp(house)
    await house.ask()
    assert house.events.emitted == [event(SecurityEventType.OTP_REQUESTED, "within the cooldown")]


async def test_a_spent_rate_limit_rejects_the_request(house: House) -> None:
    await request_otp(house)
    with pytest.raises(TooManyOtpRequests):
        await house.ask(address=OTHER_IP)
    assert house.events.emitted == [
        event(SecurityEventType.OTP_REQUEST_REJECTED, "rate limit", client_ip=OTHER_IP)
    ]


async def test_a_country_that_is_not_served_rejects_the_request() -> None:
    house = House(rules=Policy(countries={"IN"}))
    with pytest.raises(CountryNotServed):
        await house.ask()
    assert house.events.emitted == [
        event(SecurityEventType.OTP_REQUEST_REJECTED, "country not served")
    ]


@pytest.mark.parametrize("result", [REJECTED, INVALID_NUMBER])
async def test_a_message_that_no_provider_accepts_is_rejected(
    house: House, result: DeliveryResult
) -> None:
    house.messenger.result = result
    with pytest.raises(DomainError):
        await house.ask()
    assert house.events.emitted == [
        event(SecurityEventType.OTP_REQUESTED),
        event(SecurityEventType.OTP_REQUEST_REJECTED, result.reason),
    ]


async def test_a_code_for_a_blocked_phone_is_suppressed(house: House) -> None:
    await house.use_cases.block_phone(a_phone())
    house.events.emitted.clear()
    await house.ask()
    assert house.events.emitted == [
        event(SecurityEventType.OTP_REQUESTED),
        event(SecurityEventType.OTP_SUPPRESSED),
    ]


async def test_each_use_of_a_test_otp_is_emitted() -> None:
    house = house_with_test_otp(a_phone())
    await house.ask()
    await house.answer(TEST_OTP)
    (user_id,) = house.database.identities
    assert house.events.emitted == [
        event(SecurityEventType.OTP_REQUESTED),
        event(SecurityEventType.TEST_OTP_USED, "requested"),
        event(SecurityEventType.LOGIN_SUCCEEDED, user_id=user_id),
        event(SecurityEventType.TEST_OTP_USED, "verified", user_id=user_id),
    ]


# Verification of a code


async def test_a_correct_code_logs_in_once(house: House) -> None:
    code = await request_otp(house)
    await house.answer(code)
    (user_id,) = house.database.identities
    assert house.events.emitted == [event(SecurityEventType.LOGIN_SUCCEEDED, user_id=user_id)]
    await house.answer(code)
    assert house.events.types[1:] == [SecurityEventType.OTP_VERIFICATION_FAILED]


async def test_each_wrong_code_fails_until_no_attempts_are_left(house: House) -> None:
    code = await request_otp(house)
    for _ in range(5):
        await house.answer(not_this(code))
    with pytest.raises(TooManyAttempts):
        await house.answer(code)
    assert house.events.emitted == [
        *(
            event(SecurityEventType.OTP_VERIFICATION_FAILED, attempts_left=attempts_left)
            for attempts_left in (4, 3, 2, 1, 0)
        ),
        event(SecurityEventType.OTP_ATTEMPTS_EXHAUSTED, "attempts for this phone"),
    ]


async def test_the_correct_code_of_a_blocked_phone_fails(house: House) -> None:
    code = await request_otp(house)
    await house.use_cases.block_phone(a_phone())
    house.events.emitted.clear()
    await house.answer(code)
    assert house.events.emitted == [
        event(SecurityEventType.OTP_VERIFICATION_FAILED, attempts_left=4)
    ]


async def test_the_attempts_from_one_ip_are_limited() -> None:
    limits = RateLimits(verifications_per_ip=SlidingWindow(1, timedelta(hours=1)))
    house = House(rules=Policy(rate_limits=limits))
    code = await request_otp(house)
    await house.answer(not_this(code))
    house.events.emitted.clear()
    with pytest.raises(TooManyAttempts):
        await house.answer(code)
    assert house.events.emitted == [
        event(SecurityEventType.OTP_ATTEMPTS_EXHAUSTED, "attempts from this IP")
    ]


# Sessions and users


async def test_a_session_is_refreshed(house: House) -> None:
    token = await log_in(house)
    house.events.emitted.clear()
    await house.use_cases.refresh_session(token)
    assert house.events.emitted == [
        SecurityEvent(type=SecurityEventType.SESSION_REFRESHED, user_id=token.identity_id)
    ]


async def test_a_reused_refresh_token_revokes_its_session_and_is_rejected_later(
    house: House,
) -> None:
    token = await log_in(house)
    await house.use_cases.refresh_session(token)
    house.wait(60)
    house.events.emitted.clear()
    for _ in range(2):
        with pytest.raises(InvalidRefreshToken):
            await house.use_cases.refresh_session(token)
    assert house.events.emitted == [
        SecurityEvent(type=SecurityEventType.REFRESH_TOKEN_REUSED, user_id=token.identity_id),
        SecurityEvent(type=SecurityEventType.REFRESH_TOKEN_REJECTED, user_id=token.identity_id),
    ]


async def test_a_forged_refresh_token_is_rejected_and_revokes_nothing(house: House) -> None:
    token = await log_in(house)
    forged = replace(token, generation=token.generation + 1)
    house.events.emitted.clear()
    with pytest.raises(InvalidRefreshToken):
        await house.use_cases.refresh_session(forged)
    await house.use_cases.logout(forged)
    assert house.events.emitted == [
        SecurityEvent(type=SecurityEventType.REFRESH_TOKEN_REJECTED, user_id=token.identity_id)
    ]


@pytest.mark.parametrize("scope", Scope)
async def test_a_logout_revokes_the_sessions_of_its_scope(house: House, scope: Scope) -> None:
    principal = await house.sign_in()
    house.events.emitted.clear()
    await house.use_cases.logout(principal, scope)
    assert house.events.emitted == [
        SecurityEvent(
            type=SecurityEventType.SESSION_REVOKED,
            user_id=principal.identity.id,
            reason=f"scope {scope}",
        )
    ]


async def test_a_session_is_revoked_by_its_id_once(house: House) -> None:
    principal = await house.sign_in()
    house.events.emitted.clear()
    await house.use_cases.revoke_session(principal, principal.session.id)
    with pytest.raises(SessionNotFound):
        await house.use_cases.revoke_session(principal, principal.session.id)
    assert house.events.emitted == [
        SecurityEvent(
            type=SecurityEventType.SESSION_REVOKED,
            user_id=principal.identity.id,
            reason="one session",
        )
    ]


async def test_a_user_is_deleted_once(house: House) -> None:
    principal = await house.user()
    house.events.emitted.clear()
    await house.use_cases.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await house.use_cases.delete_user(principal)
    assert house.events.emitted == [
        SecurityEvent(type=SecurityEventType.USER_DELETED, user_id=principal.identity.id)
    ]


# Operators


@pytest.mark.parametrize("name", OPERATION)
async def test_each_operation_is_emitted_also_when_it_changes_nothing(
    house: House, name: str
) -> None:
    user_id = (await house.user()).identity.id
    house.events.emitted.clear()
    for _ in range(2):
        await OPERATION[name](house.use_cases, a_phone())
    event_type, details = OPERATION_EVENTS[name]
    first = SecurityEvent(type=event_type, phone=a_phone(), user_id=user_id, **details)
    second = replace(first, reason=first.reason and first.reason.replace("1", "0"))
    assert house.events.emitted == [first, second]


async def test_a_role_that_is_changed_by_user_id_is_emitted_with_the_phone(house: House) -> None:
    user_id = (await house.user()).identity.id
    house.events.emitted.clear()
    await house.use_cases.promote_user(user_id)
    with pytest.raises(UserNotFound):
        await house.use_cases.demote_user(an_id(99))
    assert house.events.emitted == [
        SecurityEvent(
            type=SecurityEventType.ROLE_CHANGED,
            phone=a_phone(),
            user_id=user_id,
            role=Role.ADMINISTRATOR,
        )
    ]


async def test_a_phone_without_an_identity_can_only_be_blocked_and_unblocked(house: House) -> None:
    for name in ("promote", "demote", "logout"):
        with pytest.raises(UserNotFound):
            await OPERATION[name](house.use_cases, a_phone())
    await house.use_cases.block_phone(a_phone())
    await house.use_cases.unblock_phone(a_phone())
    assert house.events.emitted == [
        SecurityEvent(type=SecurityEventType.PHONE_BLOCKED, phone=a_phone()),
        SecurityEvent(type=SecurityEventType.PHONE_UNBLOCKED, phone=a_phone()),
    ]


# All of them


async def test_no_event_is_emitted_when_the_database_is_unavailable(house: House) -> None:
    token, principal = await log_in(house), await house.user()
    house.wait(hours=12)
    code = await request_otp(house)
    house.events.emitted.clear()
    house.database.is_down = True
    for call in (
        house.ask,
        lambda: house.answer(code),
        lambda: house.use_cases.refresh_session(token),
        lambda: house.use_cases.logout(principal),
        lambda: house.use_cases.revoke_session(principal, principal.session.id),
        lambda: house.use_cases.delete_user(principal),
    ):
        with pytest.raises(Unavailable):
            await call()
    for operation in OPERATION.values():
        with pytest.raises(StorageUnavailable):
            await operation(house.use_cases, a_phone())
    assert house.events.emitted == []


async def test_each_event_is_emitted_with_the_fields_of_its_row_in_the_documentation() -> None:
    house = house_with_test_otp(a_phone(3))
    await emit_every_event(house)

    emitted: dict[str, set[str]] = defaultdict(set)
    for one_event in house.events.emitted:
        names = {field.name for field in fields(one_event)} - {"type"}
        emitted[one_event.type] |= {name for name in names if getattr(one_event, name) is not None}

    rows = _ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    assert emitted == {name: set(re.findall(r"\w+", listed)) for name, listed in rows}
    assert set(emitted) == set(SecurityEventType)


async def emit_every_event(house: House) -> None:
    for result in (UNKNOWN, REJECTED, ACCEPTED):
        house.messenger.result = result
        house.wait(hours=12)
        try:
            for _ in ("delivered", "within the cooldown"):
                await house.ask(a_phone(2))
        except DomainError:
            assert result is REJECTED
    await house.ask(a_phone(3))
    await house.answer(TEST_OTP, a_phone(3))
    wrong_code = not_this(house.messenger.messages[-1].code)
    for _ in range(5):
        await house.answer(wrong_code, a_phone(2))
    with pytest.raises(TooManyAttempts):
        await house.answer(wrong_code, a_phone(2))
    house.wait(hours=12)
    token = await log_in(house)
    await house.use_cases.refresh_session(token)
    house.wait(60)
    for _ in ("reused", "rejected"):
        with pytest.raises(DomainError):
            await house.use_cases.refresh_session(token)
    principal = await house.user()
    for operation in OPERATION.values():
        await operation(house.use_cases, a_phone())
    await house.use_cases.block_phone(a_phone())
    house.wait(hours=12)
    house.messenger.result = UNKNOWN
    await house.ask(a_phone(2))  # a blocked phone gets the results of other phones
    await house.ask()
    await house.use_cases.unblock_phone(a_phone())
    await house.use_cases.delete_user(principal)

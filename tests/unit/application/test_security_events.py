"""The security events of each use case."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, Final

import pytest

import application
from application.identities.events import (
    PhoneBlockedByOperator,
    PhoneUnblockedByOperator,
    RoleChanged,
    SessionRevoked,
    UserCreated,
    UserDeleted,
)
from application.identities.sessions import LogoutScope
from application.otp.events import (
    OtpAccepted,
    OtpNotTaken,
    OtpRequested,
    OtpUnconfirmed,
    OtpUndelivered,
)
from application.ports.otp import DeliveryResult, DeliveryStatus
from application.ports.security_events import EVENT_TYPES, SecurityEvent
from domain.errors import DeliveryFailed, PhoneUnreachable, Unauthenticated
from domain.identities.role import Role
from domain.otp.delivery import Channel, ReportedStatus
from tests.support.builders import a_phone
from tests.support.core_harness import A_MESSAGE, CoreHarness
from tests.support.markdown import codes, page, tables

REQUESTED: Final = OtpRequested(phone=a_phone(), channel=Channel.SMS, reason="")
OF_MESSAGE: Final[dict[str, Any]] = {"phone": a_phone(), "channel": Channel.SMS, "provider": "acme"}
OF_ERROR: Final[dict[str, Any]] = {**OF_MESSAGE, "reason": "a reason", "error_code": "30003"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (DeliveryStatus.ACCEPTED, partial(OtpAccepted, **OF_MESSAGE, provider_message_id="SM1")),
        (DeliveryStatus.UNKNOWN, partial(OtpUnconfirmed, **OF_ERROR, provider_message_id="SM1")),
        (DeliveryStatus.REJECTED, partial(OtpNotTaken, **OF_ERROR)),
    ],
)
async def test_a_request_is_recorded_and_what_became_of_the_message(
    app: CoreHarness, status: DeliveryStatus, expected: Callable[..., SecurityEvent]
) -> None:
    app.messenger.result = DeliveryResult(
        status, "a reason", provider="acme", provider_message_id="SM1", error_code="30003"
    )
    with suppress(DeliveryFailed, PhoneUnreachable):
        await app.request_otp()
    assert app.events.recorded == [REQUESTED, expected(result=status)]


async def test_what_the_provider_reports_later_is_recorded_once(app: CoreHarness) -> None:
    await app.request_otp()
    [delivery] = app.database.phone_verifications[a_phone()].value.deliveries.all
    app.events.recorded.clear()

    for _ in range(2):
        await app.otp.report_delivery(delivery.report_id, ReportedStatus.FAILED, A_MESSAGE, "30003")

    [undelivered] = app.events.recorded
    assert isinstance(undelivered, OtpUndelivered)
    assert (undelivered.provider_message_id, undelivered.error_code) == ("SM1", "30003")
    assert (undelivered.country, undelivered.phone_hash) == ("", "")


async def test_each_revocation_and_deletion_is_recorded_once(app: CoreHarness) -> None:
    principal = await app.add_user()
    user_id = principal.identity.id
    assert app.events.recorded[-1] == UserCreated(phone=a_phone(), user_id=user_id)
    await app.identities.logout(principal, LogoutScope.ALL)
    principal = await app.log_in()
    await app.identities.revoke_session(principal, principal.session.id)
    await app.identities.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await app.identities.delete_user(principal)

    revocations = app.events.of_type(SessionRevoked)
    assert [each.reason for each in revocations] == ["scope all", "one session, by its id"]
    assert app.events.of_type(UserDeleted) == [UserDeleted(user_id=user_id)]


async def test_what_operators_do_is_recorded_also_when_it_changes_nothing(app: CoreHarness) -> None:
    await app.add_user()
    act = app.identities.operator_actions
    app.events.recorded.clear()
    for _ in range(2):
        for do in (act.revoke_sessions, act.block, act.unblock):
            await do(a_phone())
        await act.change_role(a_phone(), Role.ADMINISTRATOR)
    acts = [SessionRevoked, PhoneBlockedByOperator, PhoneUnblockedByOperator, RoleChanged]
    assert app.events.types == acts * 2
    revoked = [each.reason for each in app.events.of_type(SessionRevoked)]
    assert revoked == [f"by an operator, sessions: {count}" for count in (1, 0)]


def test_the_documentation_has_each_event_with_its_level() -> None:
    for module in walk_packages(application.__path__, "application."):
        import_module(module.name)
    names = {(event.name, "warning" if event.is_warning else "info") for event in EVENT_TYPES}

    table = tables(page("docs/log.md#security-events"))[0]
    listed = [(codes(name)[0], level) for name, level, _ in table]
    assert sorted(listed) == sorted(names)

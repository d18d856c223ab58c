"""Access tokens identify principals, with the rights of their role, until logout."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.ports.keys import TokenClaims
from domain.administration.scope import Scope
from domain.errors import (
    HasTestOtp,
    ReauthenticationRequired,
    Unauthenticated,
    UserNotFound,
)
from domain.identities.role import Role
from domain.otp.challenge import OtpCode
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber
from tests.support.builders import NOW, a_phone, an_id
from tests.support.core_harness import CoreHarness, make_core_policy
from tests.support.keys import access_tokens


async def test_tokens_of_another_key_identity_or_session_are_rejected(app: CoreHarness) -> None:
    principal = await app.log_in()
    times = (NOW, NOW + timedelta(days=9))
    own = TokenClaims(principal.identity.id, principal.session.id, *times)
    await app.identities.authenticate(access_tokens().issue(own))
    for tokens, claims in (
        (access_tokens(2), own),
        (access_tokens(), replace(own, identity_id=an_id(9))),
        (access_tokens(), replace(own, session_id="another")),
    ):
        with pytest.raises(Unauthenticated):
            await app.identities.authenticate(tokens.issue(claims))


async def test_an_administrator_sees_and_does_no_more_than_a_member_a_day_after_the_login(
    app: CoreHarness,
) -> None:
    member = await app.add_user(a_phone(1))
    await app.add_administrator(a_phone(2))
    token = await app.access_token(a_phone(2))
    app.advance(24 * 3600 - 1)
    recent = await app.identities.authenticate(token)
    recent.check_can_act_for(member.identity.id, Scope.MODERATE_LIBRARY)

    app.advance(1)

    old = await app.identities.authenticate(token)
    with pytest.raises(ReauthenticationRequired):
        old.check_can_act_for(member.identity.id, Scope.MODERATE_LIBRARY)
    assert not old.viewer.is_administrator
    old.check_can_act_for(old.identity.id, Scope.MODERATE_LIBRARY)


# Roles


async def test_a_user_becomes_an_administrator_and_a_member_again(app: CoreHarness) -> None:
    other = await app.add_administrator(a_phone(1))
    user_id = (await app.add_user(a_phone(3))).identity.id
    change_role = app.identities.operator_actions.change_role
    assert (await change_role(a_phone(3), Role.ADMINISTRATOR)).is_administrator
    token = await app.access_token(a_phone(3))
    assert (await change_role(user_id, Role.MEMBER)).id == user_id

    # The session stays active, without the rights of an administrator.
    assert (await app.identities.authenticate(token)).identity.staff.role is Role.MEMBER
    assert app.database.identities[other.identity.id].value.is_administrator


def with_test_otp(app: CoreHarness, expires_at: datetime | None = None) -> CoreHarness:
    """Restart the app with a test OTP for phone 3."""
    otps = TestOtps((TestOtp(a_phone(3), OtpCode("123456"), expires_at),))
    return replace(app, policy=make_core_policy(test_otps=otps))


@pytest.mark.parametrize(("expires_at", "by_phone"), [(None, True), (NOW, False)])
async def test_a_phone_with_a_test_otp_does_not_become_an_administrator(
    app: CoreHarness, by_phone: bool, expires_at: datetime | None
) -> None:
    principal = await app.log_in(a_phone(3))
    user: str | PhoneNumber = a_phone(3) if by_phone else principal.identity.id
    change_role = with_test_otp(app, expires_at).use_cases.identities.operator_actions.change_role

    with pytest.raises(HasTestOtp):
        await change_role(user, Role.ADMINISTRATOR)


async def test_an_administrator_whose_phone_gets_a_test_otp_acts_as_a_member(
    app: CoreHarness,
) -> None:
    await app.add_administrator(a_phone(3))
    token = await app.access_token(a_phone(3))
    assert (await app.identities.authenticate(token)).identity.is_administrator

    principal = await with_test_otp(app).use_cases.identities.authenticate(token)

    assert not principal.identity.is_administrator


@pytest.mark.parametrize("role", [Role.MEMBER, Role.ADMINISTRATOR])
async def test_unknown_and_deleted_users_are_not_found(app: CoreHarness, role: Role) -> None:
    principal = await app.add_user(a_phone(3))
    await app.identities.delete_user(principal)
    await app.request_otp(a_phone(2))
    for user in (an_id(99), a_phone(1), a_phone(2), a_phone(3), principal.identity.id):
        with pytest.raises(UserNotFound):
            await app.identities.operator_actions.change_role(user, role)

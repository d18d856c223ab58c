"""Operators change roles, block phones and revoke sessions."""

from dataclasses import replace
from datetime import datetime

import pytest

from domain.errors import HasTestOtp
from domain.identities.role import Role
from domain.otp.challenge import OtpCode
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber
from tests.support.builders import NOW, a_phone
from tests.support.core_harness import CoreHarness, make_core_policy


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

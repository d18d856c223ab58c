"""Users are created, renamed, deleted and counted, and have the rights of their role."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.identities import count_users
from application.identities.count_users import MAX_AGE, UserCount
from application.ports.errors import StorageUnavailable
from application.ports.keys import TokenClaims
from application.principal import Principal
from domain.administration.scopes import Scope
from domain.errors import (
    HasFixedCode,
    ReauthenticationRequired,
    Unauthenticated,
    UsernameInUse,
    UserNotFound,
)
from domain.identities.role import Role
from domain.identities.username import parse_username
from domain.otp.challenge import OtpCode
from domain.otp.fixed_codes import FixedCode, FixedCodes
from domain.phone import PhoneNumber
from tests.support.builders import NOW, a_phone, a_user, an_id, an_identity
from tests.support.core_harness import CoreHarness, make_core_policy
from tests.support.keys import access_tokens

OTHER_PHONE = a_phone(2)


async def add_staff(app: CoreHarness) -> Principal:
    """Log in as an administrator with the name Rahul Sharma."""
    await app.add_user(a_phone())
    return await app.add_administrator(a_phone())


async def test_a_name_that_looks_like_that_of_an_administrator_is_in_use(app: CoreHarness) -> None:
    await app.add_user(a_phone(4), "Rahu1 Sharma")  # members may have names that look alike
    await add_staff(app)
    other, administrator = await app.log_in(OTHER_PHONE), await app.add_administrator(a_phone(3))
    for creator, phone in (
        (other, OTHER_PHONE),
        (administrator, None),
        (administrator, a_phone(5)),
    ):
        with pytest.raises(UsernameInUse):
            await app.create_user(creator, "RahuI Sharma", phone)
    await app.create_user(other, "Priya")
    with pytest.raises(UsernameInUse):
        await app.identities.rename_user(other, parse_username("RahuI Sharma"))


@pytest.fixture
async def administrator(app: CoreHarness) -> Principal:
    return await app.add_administrator(a_phone(1))


async def test_creating_a_user_during_its_first_login_makes_one_identity(
    app: CoreHarness, administrator: Principal
) -> None:
    app.advance(3600)
    await app.request_otp(OTHER_PHONE)
    created, _ = await asyncio.gather(
        app.create_user(administrator, "Priya", OTHER_PHONE),
        app.verify_otp(app.last_code, OTHER_PHONE),
    )
    (identity,) = (
        stored.value
        for stored in app.database.identities.values()
        if stored.value.phone == OTHER_PHONE
    )
    assert identity.id == created.id
    assert len(identity.sessions) == 1


@pytest.mark.parametrize(
    ("phone", "operation"),
    [
        (a_phone(1), "identities.replace"),
        (OTHER_PHONE, "phone_verifications.save"),
        (OTHER_PHONE, "identities.add"),
    ],
)
async def test_a_failed_creation_can_be_repeated(
    app: CoreHarness, administrator: Principal, phone: PhoneNumber, operation: str
) -> None:
    app.faults.fail_on(operation)
    with pytest.raises(StorageUnavailable):
        await app.create_user(administrator, "Priya", phone)
    created = await app.create_user(administrator, "Priya", phone)
    assert (await app.log_in(phone)).identity.id == created.id


async def test_a_name_is_free_at_once_after_a_change_and_30_days_after_a_deletion(
    app: CoreHarness,
) -> None:
    former = await app.add_user(a_phone(1), "Asha")
    await app.identities.rename_user(former, parse_username("Priya"))
    other = await app.add_user(a_phone(2), "ASHA")
    await app.identities.delete_user(former)
    app.advance(days=30, seconds=-1)
    with pytest.raises(UsernameInUse):
        await app.identities.rename_user(other, parse_username("priya"))
    app.advance(1)
    renamed = await app.identities.rename_user(other, parse_username("priya"))
    assert other.identity.user is not None
    assert renamed.user == replace(other.identity.user, username=parse_username("priya"))


async def test_a_parallel_login_does_not_restore_a_deleted_user(app: CoreHarness) -> None:
    principal = await app.add_user()
    app.advance(3600)
    await app.request_otp()
    await asyncio.gather(app.identities.delete_user(principal), app.verify_otp(app.last_code))
    with pytest.raises(UserNotFound):
        await app.identities.get_user(principal.identity.id)
    assert app.database.identities[principal.identity.id].value.is_deleted


async def test_more_than_can_be_counted_are_estimated(
    app: CoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_users, "MAX_COUNTED", 1)
    await app.add_user(a_phone(1), "Asha")
    assert await app.identities.count_users() == UserCount(1)

    await app.add_user(a_phone(2), "Zoë")

    # This database has no estimate.
    assert await app.identities.count_users() == UserCount(1, is_estimate=True)


async def test_a_count_is_held_for_five_minutes_and_an_error_is_not(app: CoreHarness) -> None:
    recent = app.identities.count_users.recent
    app.faults.fail_on("identities.count_users")
    with pytest.raises(StorageUnavailable):
        await recent()
    assert await recent() == UserCount(0)

    user = an_identity(user=a_user())
    await app.database.repositories().identities.add(user)
    app.advance(MAX_AGE.total_seconds() - 1)
    assert await recent() == UserCount(0)

    app.advance(1)
    assert [*await asyncio.gather(recent(), recent())] == [UserCount(1)] * 2


async def test_look_alikes_are_free_when_the_role_ends(app: CoreHarness) -> None:
    await add_staff(app)
    await app.identities.operator_actions.change_role(a_phone(), Role.MEMBER)
    await app.add_user(OTHER_PHONE, "RahuI Sharma")
    with pytest.raises(UsernameInUse):
        await app.add_user(a_phone(3), "Rahul Sharma")


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


def with_fixed_code(app: CoreHarness, expires_at: datetime | None = None) -> CoreHarness:
    """Restart the app with a fixed code for phone 3."""
    otps = FixedCodes((FixedCode(a_phone(3), OtpCode("123456"), expires_at),))
    return replace(app, policy=make_core_policy(fixed_codes=otps))


async def test_a_phone_with_a_fixed_code_is_not_that_of_an_administrator(app: CoreHarness) -> None:
    user_id = (await app.log_in(a_phone(3))).identity.id
    for expires_at, user in ((None, a_phone(3)), (NOW, user_id)):
        tested = with_fixed_code(app, expires_at)
        with pytest.raises(HasFixedCode):
            await tested.identities.operator_actions.change_role(user, Role.ADMINISTRATOR)
    await app.add_administrator(a_phone(3))
    token = await app.access_token(a_phone(3))
    assert (await app.identities.authenticate(token)).identity.is_administrator
    principal = await with_fixed_code(app).identities.authenticate(token)
    assert not principal.identity.is_administrator


async def test_unknown_and_deleted_users_are_not_found(app: CoreHarness) -> None:
    principal = await app.add_user(a_phone(3))
    await app.identities.delete_user(principal)
    await app.request_otp(a_phone(2))
    for user in (an_id(99), a_phone(1), a_phone(2), a_phone(3), principal.identity.id):
        for role in (Role.MEMBER, Role.ADMINISTRATOR):
            with pytest.raises(UserNotFound):
                await app.identities.operator_actions.change_role(user, role)

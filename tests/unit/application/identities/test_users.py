"""Users are created, found, renamed and deleted."""

import asyncio
from dataclasses import replace

import pytest

from application.ports.errors import StorageUnavailable
from application.principal import Principal
from domain.errors import Forbidden, UsernameInUse, UserNotFound
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.username import parse_username
from domain.phone import PhoneNumber
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness

OTHER_PHONE = a_phone(2)


# Names that look like that of somebody with a role


async def add_staff(app: CoreHarness) -> Principal:
    """Log in as an administrator with the name Rahul Sharma."""
    await app.add_user(a_phone())
    return await app.add_administrator(a_phone())


async def rename(app: CoreHarness, principal: Principal, name: str) -> Identity:
    """Rename a user with the identity that is stored now."""
    identity = app.database.identities[principal.identity.id].value
    current = replace(principal, identity=identity)
    username = parse_username(name, own=identity.username)
    return await app.identities.rename_user(current, username)


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
        await rename(app, other, "RahuI Sharma")


async def test_the_owner_of_a_look_alike_keeps_that_name_only_at_a_promotion(
    app: CoreHarness,
) -> None:
    member = await app.add_user(OTHER_PHONE, "RahuI Sharma")
    administrator = await add_staff(app)
    await rename(app, member, "rahui sharma")
    with pytest.raises(UsernameInUse):
        await rename(app, member, "Rahu1 Sharma")
    await rename(app, administrator, "Rahul  SHARMA")
    await rename(app, member, "Priya")
    with pytest.raises(UsernameInUse):
        await rename(app, member, "RahuI Sharma")


async def test_look_alikes_are_free_when_the_role_ends(app: CoreHarness) -> None:
    await add_staff(app)
    await app.identities.operator_actions.change_role(a_phone(), Role.MEMBER)
    await app.add_user(OTHER_PHONE, "RahuI Sharma")
    with pytest.raises(UsernameInUse):
        await app.add_user(a_phone(3), "Rahul Sharma")


# Creating users of other phones


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


async def test_an_administrator_makes_no_user_of_another_one(
    app: CoreHarness, administrator: Principal
) -> None:
    await app.add_administrator(OTHER_PHONE)
    with pytest.raises(Forbidden):
        await app.create_user(administrator, "Priya", OTHER_PHONE)


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

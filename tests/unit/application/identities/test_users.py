"""Users are created, found, renamed and deleted."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.principal import Principal
from domain.errors import (
    ItemNotFound,
    MediaFileNotFound,
    PhoneInUse,
    PhoneMismatch,
    Unauthenticated,
    UsernameInUse,
    UserNotFound,
    UserSaveFailed,
)
from domain.identities.username import parse_username
from domain.media.item import MediaItem
from domain.media.page import ItemFilter, PageRequest
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id
from tests.support.fault_injector import ProcessKilled
from tests.support.stored_files import read_opened

OTHER_PHONE = a_phone(2)
DELETED_NAME = parse_username("Deepa Sharma")


# Creating


async def test_creating_the_same_user_again_in_any_spelling_changes_nothing(
    app: AppHarness,
) -> None:
    first = await app.create_user(await app.log_in(), "Rahul Sharma")
    again = await app.create_user(await app.log_in(), "  rahul   SHARMA ")
    assert (again.id, again.user) == (first.id, first.user)


@pytest.mark.parametrize("name", ["Somebody Else", "Priya"], ids=["free name", "name in use"])
async def test_creating_a_user_with_another_name_returns_the_existing_one(
    app: AppHarness, name: str
) -> None:
    await app.add_user(OTHER_PHONE, "Priya")
    principal = await app.add_user(username="Rahul Sharma")
    with pytest.raises(PhoneInUse) as error:
        await app.create_user(principal, name)
    assert error.value.user_id == principal.identity.id
    assert error.value.username == "Rahul Sharma"


async def test_a_user_cannot_be_created_for_another_phone(app: AppHarness) -> None:
    await app.add_user(a_phone(2), "Priya")
    principal = await app.log_in(a_phone(1))
    for number in (2, 3):
        with pytest.raises(PhoneMismatch):
            await app.create_user(principal, "Priya", a_phone(number))


async def test_a_deleted_identity_cannot_become_a_user_and_cannot_be_renamed(
    app: AppHarness,
) -> None:
    principal = await app.add_user()
    await app.use_cases.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await app.create_user(principal)
    with pytest.raises(Unauthenticated):
        await app.use_cases.rename_user(principal, parse_username("Priya"))


async def test_of_parallel_requests_for_one_username_one_succeeds(app: AppHarness) -> None:
    principals = [await app.log_in(a_phone(number)) for number in range(20)]
    results = await asyncio.gather(
        *(app.create_user(principal, "Rahul") for principal in principals), return_exceptions=True
    )
    created = [result for result in results if not isinstance(result, BaseException)]
    assert len(created) == 1
    assert sum(isinstance(result, UsernameInUse) for result in results) == 19


async def test_of_two_parallel_usernames_for_one_identity_one_wins(app: AppHarness) -> None:
    principal = await app.log_in()
    results = await asyncio.gather(
        app.create_user(principal, "Rahul"),
        app.create_user(principal, "Priya"),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Identity", "PhoneInUse"]


# Creating users of other phones


@pytest.fixture
async def administrator(app: AppHarness) -> Principal:
    return await app.add_administrator(a_phone(1))


async def test_a_user_created_for_a_phone_is_found_by_its_first_login(
    app: AppHarness, administrator: Principal
) -> None:
    created = await app.create_user(administrator, "Priya", OTHER_PHONE)
    assert (created.phone, created.is_administrator, created.sessions) == (OTHER_PHONE, False, ())
    assert (await app.create_user(administrator, "priya", OTHER_PHONE)).id == created.id
    principal = await app.log_in(OTHER_PHONE)
    assert (principal.identity.id, principal.identity.user) == (created.id, created.user)


async def test_an_identity_that_an_administrator_makes_a_user_keeps_its_id(
    app: AppHarness, administrator: Principal
) -> None:
    for phone, principal in (
        (OTHER_PHONE, await app.log_in(OTHER_PHONE)),
        (a_phone(1), administrator),
    ):
        created = await app.create_user(administrator, f"User {phone.e164[-1]}", phone)
        assert created.id == principal.identity.id
        assert created.role is principal.identity.role


async def test_an_administrator_does_not_get_the_name_of_an_existing_user(
    app: AppHarness, administrator: Principal
) -> None:
    await app.create_user(administrator, "Priya", OTHER_PHONE)
    await app.create_user(administrator, "Rahul", a_phone(3))
    for name in ("free", "Rahul"):
        with pytest.raises(PhoneInUse) as error:
            await app.create_user(administrator, name, OTHER_PHONE)
        assert (error.value.user_id, error.value.username) == (None, None)


async def test_a_username_in_use_leaves_the_phone_free(
    app: AppHarness, administrator: Principal
) -> None:
    await app.create_user(administrator, "Rahul", a_phone(3))
    with pytest.raises(UsernameInUse):
        await app.create_user(administrator, "Rahul", OTHER_PHONE)
    created = await app.create_user(administrator, "Priya", OTHER_PHONE)
    assert (await app.log_in(OTHER_PHONE)).identity.id == created.id


async def test_the_phone_of_a_deleted_user_is_free_for_a_new_one(
    app: AppHarness, administrator: Principal
) -> None:
    deleted = await app.add_user(OTHER_PHONE, "Priya")
    await app.use_cases.delete_user(deleted)
    created = await app.create_user(administrator, "Rahul", OTHER_PHONE)
    assert created.id != deleted.identity.id
    assert not created.is_deleted


async def test_creating_a_user_during_its_first_login_makes_one_identity(
    app: AppHarness, administrator: Principal
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
        (a_phone(1), "identities.load"),
        (a_phone(1), "identities.replace"),
        (OTHER_PHONE, "phone_verifications.load"),
        (OTHER_PHONE, "phone_verifications.replace"),
        (OTHER_PHONE, "identities.load"),
        (OTHER_PHONE, "identities.add"),
    ],
)
async def test_a_failed_creation_can_be_repeated(
    app: AppHarness, administrator: Principal, phone: PhoneNumber, operation: str
) -> None:
    app.faults.fail_on(operation)
    with pytest.raises(UserSaveFailed):
        await app.create_user(administrator, "Priya", phone)
    created = await app.create_user(administrator, "Priya", phone)
    assert (await app.log_in(phone)).identity.id == created.id


# Getting


async def test_only_users_are_found(app: AppHarness) -> None:
    user = await app.add_user()
    assert (await app.use_cases.get_user(user.identity.id)).user == user.identity.user
    await app.use_cases.delete_user(user)
    without_username = await app.log_in(OTHER_PHONE)
    for user_id in (user.identity.id, without_username.identity.id, an_id(99)):
        with pytest.raises(UserNotFound):
            await app.use_cases.get_user(user_id)


# Renaming


async def test_a_renamed_user_has_the_new_username_and_keeps_its_creation_time(
    app: AppHarness,
) -> None:
    principal = await app.add_user(username="rahul")
    app.advance(days=3)
    assert principal.identity.user is not None
    for name in ("Rahul", "Rahul Sharma"):
        await app.use_cases.rename_user(principal, parse_username(name))
        found = await app.use_cases.get_user(principal.identity.id)
        assert found.user == replace(principal.identity.user, username=parse_username(name))


async def test_a_user_cannot_take_a_username_in_use(app: AppHarness) -> None:
    await app.add_user(a_phone(1), "Rahul")
    principal = await app.add_user(a_phone(2), "Priya")
    with pytest.raises(UsernameInUse):
        await app.use_cases.rename_user(principal, parse_username("RAHUL"))
    found = await app.use_cases.get_user(principal.identity.id)
    assert found.username_key == parse_username("Priya").key


async def test_an_identity_without_username_cannot_be_renamed(app: AppHarness) -> None:
    principal = await app.log_in()
    with pytest.raises(UserNotFound):
        await app.use_cases.rename_user(principal, parse_username("Rahul"))


# Deleting


async def assert_invisible(app: AppHarness, principal: Principal, item: MediaItem) -> None:
    with pytest.raises(UserNotFound):
        await app.use_cases.get_user(principal.identity.id)
    with pytest.raises(ItemNotFound):
        await app.use_cases.get_item(item.id)
    with pytest.raises(MediaFileNotFound):
        await read_opened(app.use_cases.open_file, item.storage_key)
    page = await app.use_cases.list_items(ItemFilter(), PageRequest())
    assert page.items == []


async def test_a_deleted_user_and_its_files_are_gone_at_once(app: AppHarness) -> None:
    principal = await app.add_user()
    items = [(await app.upload_image(principal)).item for _ in range(3)]
    await app.use_cases.delete_user(principal)
    await assert_invisible(app, principal, items[0])
    assert app.files.contents == {}


async def test_a_parallel_login_does_not_restore_a_deleted_user(app: AppHarness) -> None:
    principal = await app.add_user()
    app.advance(3600)
    await app.request_otp()
    await asyncio.gather(app.use_cases.delete_user(principal), app.verify_otp(app.last_code))
    with pytest.raises(UserNotFound):
        await app.use_cases.get_user(principal.identity.id)
    assert app.database.identities[principal.identity.id].value.is_deleted


@pytest.mark.parametrize(
    "operation", ["media_cleanup.list_owned_by", "media_items.replace", "media_files.delete"]
)
@pytest.mark.parametrize("kill", [False, True], ids=["fails", "killed"])
async def test_a_deletion_that_is_interrupted_after_its_write_leaves_nothing_visible(
    app: AppHarness, operation: str, kill: bool
) -> None:
    principal = await app.add_user()
    item = (await app.upload_image(principal)).item
    app.faults.fail_on(operation, kill=kill)
    with pytest.raises(ProcessKilled) if kill else nullcontext():
        await app.use_cases.delete_user(principal)
    assert app.faults.has_fired
    app.faults.reset()
    await assert_invisible(app, principal, item)


# Usernames of deleted users


@pytest.fixture
async def deleted_at(app: AppHarness) -> datetime:
    """Delete the user that has `DELETED_NAME`."""
    await app.use_cases.delete_user(await app.add_user(a_phone(1), DELETED_NAME.text))
    return app.clock.now()


async def test_a_deleted_username_is_held_for_thirty_days(
    app: AppHarness, deleted_at: datetime
) -> None:
    same_phone, other = await app.log_in(a_phone(1)), await app.log_in(OTHER_PHONE)
    await app.use_cases.cleanup()
    app.clock.advance(deleted_at + timedelta(days=30, milliseconds=-1) - app.clock.now())
    for principal in (same_phone, other):
        with pytest.raises(UsernameInUse):
            await app.create_user(principal, DELETED_NAME.text)
    app.advance(milliseconds=1)
    created = await app.create_user(other, DELETED_NAME.text)
    assert created.user is not None
    assert created.user.username == DELETED_NAME


@pytest.mark.usefixtures("deleted_at")
async def test_of_parallel_requests_for_a_released_username_one_succeeds(app: AppHarness) -> None:
    principals = [await app.log_in(a_phone(number)) for number in range(2, 12)]
    app.advance(days=30)
    results = await asyncio.gather(
        *(app.create_user(principal, DELETED_NAME.text) for principal in principals),
        app.use_cases.cleanup(),
        return_exceptions=True,
    )
    assert sum(isinstance(result, UsernameInUse) for result in results) == 9
    holders = [
        stored.value
        for stored in app.database.identities.values()
        if stored.value.username_key == DELETED_NAME.key
    ]
    assert len(holders) == 1
    assert not holders[0].is_deleted

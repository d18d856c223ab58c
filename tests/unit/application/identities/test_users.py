"""Users are created, found, renamed and deleted."""

import asyncio
from datetime import datetime, timedelta

import pytest

from application.ports.errors import StorageUnavailable
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
from domain.media.page import ItemFilter, PageRequest
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id
from tests.support.fault_injector import ProcessKilled
from tests.support.stored_files import read_opened

OTHER_PHONE = a_phone(2)
DELETED_NAME = parse_username("Deepa Sharma")


# Creating


async def test_a_user_keeps_the_id_of_the_identity(app: AppHarness) -> None:
    principal = await app.log_in()
    created = await app.create_user(principal, "Rahul Sharma")
    assert created.id == principal.identity.id
    assert created.user is not None
    assert created.user.username.text == "Rahul Sharma"
    assert created.user.created_at == app.clock.now()


async def test_creating_the_same_user_again_succeeds_with_the_same_id(app: AppHarness) -> None:
    first = await app.create_user(await app.log_in())
    again = await app.create_user(await app.log_in())
    assert again.id == first.id
    assert again.user == first.user


async def test_the_same_username_in_another_spelling_is_the_same_user(app: AppHarness) -> None:
    principal = await app.add_user(username="Rahul Sharma")
    again = await app.create_user(principal, "  rahul   SHARMA ")
    assert again.user is not None
    assert again.user.username.text == "Rahul Sharma"


async def test_creating_a_user_with_another_name_returns_the_existing_one(app: AppHarness) -> None:
    principal = await app.add_user(username="Rahul Sharma")
    with pytest.raises(PhoneInUse) as error:
        await app.create_user(principal, "Somebody Else")
    assert error.value.user_id == principal.identity.id
    assert error.value.username == "Rahul Sharma"


async def test_a_username_in_use_is_rejected(app: AppHarness) -> None:
    await app.add_user(a_phone(1), "Rahul Sharma")
    with pytest.raises(UsernameInUse):
        await app.create_user(await app.log_in(a_phone(2)), "rahul sharma")


async def test_a_phone_in_use_is_reported_before_a_username_in_use(app: AppHarness) -> None:
    await app.add_user(a_phone(1), "Rahul Sharma")
    principal = await app.add_user(a_phone(2), "Priya")
    with pytest.raises(PhoneInUse) as error:
        await app.create_user(principal, "Rahul Sharma")
    assert error.value.username == "Priya"


async def test_a_user_cannot_be_created_for_another_phone(app: AppHarness) -> None:
    principal = await app.log_in(a_phone(1))
    with pytest.raises(PhoneMismatch):
        await app.create_user(principal, phone=a_phone(2))


async def test_a_user_cannot_be_created_for_the_phone_of_another_user(app: AppHarness) -> None:
    await app.add_user(a_phone(2), "Priya")
    principal = await app.log_in(a_phone(1))
    with pytest.raises(PhoneMismatch):
        await app.create_user(principal, "Priya", a_phone(2))


async def test_a_deleted_identity_cannot_become_a_user(app: AppHarness) -> None:
    principal = await app.log_in()
    await app.use_cases.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await app.create_user(principal)


async def test_of_parallel_requests_for_one_username_one_succeeds(app: AppHarness) -> None:
    principals = [await app.log_in(a_phone(number)) for number in range(20)]
    results = await asyncio.gather(
        *(app.create_user(principal, "Rahul") for principal in principals), return_exceptions=True
    )
    created = [result for result in results if not isinstance(result, BaseException)]
    assert len(created) == 1
    assert sum(isinstance(result, UsernameInUse) for result in results) == 19


async def test_the_same_user_created_in_parallel_is_one_user(app: AppHarness) -> None:
    principal = await app.log_in()
    results = await asyncio.gather(*(app.create_user(principal, "Rahul") for _ in range(20)))
    assert len({(result.id, result.user) for result in results}) == 1


async def test_of_two_parallel_usernames_for_one_identity_one_wins(app: AppHarness) -> None:
    principal = await app.log_in()
    results = await asyncio.gather(
        app.create_user(principal, "Rahul"),
        app.create_user(principal, "Priya"),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Identity", "PhoneInUse"]


@pytest.mark.parametrize("step", [1, 2])
async def test_creating_a_user_can_be_repeated_after_an_error(step: int) -> None:
    app = AppHarness()
    principal = await app.log_in()
    app.faults.fail_at(step)
    with pytest.raises(UserSaveFailed):
        await app.create_user(principal)
    assert (await app.create_user(principal)).id == principal.identity.id


# Creating users of other phones


@pytest.fixture
async def administrator(app: AppHarness) -> Principal:
    return await app.add_administrator(a_phone(1))


async def test_an_administrator_creates_a_user_for_a_phone_that_never_logged_in(
    app: AppHarness, administrator: Principal
) -> None:
    created = await app.create_user(administrator, "Priya", OTHER_PHONE)
    assert created.phone == OTHER_PHONE
    assert not created.is_administrator
    assert created.sessions == ()


async def test_a_user_created_for_a_phone_is_found_by_its_first_login(
    app: AppHarness, administrator: Principal
) -> None:
    created = await app.create_user(administrator, "Priya", OTHER_PHONE)
    principal = await app.log_in(OTHER_PHONE)
    assert principal.identity.id == created.id
    assert principal.identity.user == created.user


async def test_an_identity_that_an_administrator_makes_a_user_keeps_its_id(
    app: AppHarness, administrator: Principal
) -> None:
    principal = await app.log_in(OTHER_PHONE)
    created = await app.create_user(administrator, "Priya", OTHER_PHONE)
    assert created.id == principal.identity.id


async def test_an_administrator_may_create_the_same_user_again(
    app: AppHarness, administrator: Principal
) -> None:
    first = await app.create_user(administrator, "Priya", OTHER_PHONE)
    assert (await app.create_user(administrator, "priya", OTHER_PHONE)).id == first.id


async def test_an_administrator_does_not_get_the_name_of_an_existing_user(
    app: AppHarness, administrator: Principal
) -> None:
    await app.create_user(administrator, "Priya", OTHER_PHONE)
    with pytest.raises(PhoneInUse) as error:
        await app.create_user(administrator, "Rahul", OTHER_PHONE)
    assert (error.value.user_id, error.value.username) == (None, None)


async def test_an_administrator_gets_a_phone_in_use_before_a_username_in_use(
    app: AppHarness, administrator: Principal
) -> None:
    await app.create_user(administrator, "Priya", OTHER_PHONE)
    await app.create_user(administrator, "Rahul", a_phone(3))
    with pytest.raises(PhoneInUse):
        await app.create_user(administrator, "Rahul", OTHER_PHONE)


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


async def test_an_administrator_becomes_a_user_and_stays_administrator(
    app: AppHarness, administrator: Principal
) -> None:
    created = await app.create_user(administrator, "Root")
    assert created.id == administrator.identity.id
    assert created.is_administrator


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


@pytest.mark.parametrize("step", range(1, 5))
async def test_an_administrator_can_repeat_a_failed_creation(step: int) -> None:
    app = AppHarness()
    administrator = await app.add_administrator(a_phone(1))
    app.faults.fail_at(step)
    with pytest.raises(UserSaveFailed):
        await app.create_user(administrator, "Priya", OTHER_PHONE)
    created = await app.create_user(administrator, "Priya", OTHER_PHONE)
    assert (await app.log_in(OTHER_PHONE)).identity.id == created.id


# Getting


async def test_a_user_is_found(app: AppHarness) -> None:
    principal = await app.add_user()
    assert (await app.use_cases.get_user(principal.identity.id)).user == principal.identity.user


async def test_an_identity_without_username_is_not_found(app: AppHarness) -> None:
    principal = await app.log_in()
    with pytest.raises(UserNotFound):
        await app.use_cases.get_user(principal.identity.id)


async def test_an_unknown_user_is_not_found(app: AppHarness) -> None:
    with pytest.raises(UserNotFound):
        await app.use_cases.get_user(an_id(99))


async def test_a_deleted_user_is_not_found(app: AppHarness) -> None:
    principal = await app.add_user()
    await app.use_cases.delete_user(principal)
    with pytest.raises(UserNotFound):
        await app.use_cases.get_user(principal.identity.id)


async def test_getting_a_user_fails_without_database(app: AppHarness) -> None:
    principal = await app.add_user()
    app.database.is_unavailable = True
    with pytest.raises(StorageUnavailable):
        await app.use_cases.get_user(principal.identity.id)


# Renaming


async def test_a_renamed_user_has_the_new_username(app: AppHarness) -> None:
    principal = await app.add_user(username="Rahul")
    await app.use_cases.rename_user(principal, parse_username("Rahul Sharma"))
    found = await app.use_cases.get_user(principal.identity.id)
    assert found.user is not None
    assert found.user.username.text == "Rahul Sharma"


async def test_a_renamed_user_keeps_its_creation_time(app: AppHarness) -> None:
    principal = await app.add_user()
    app.advance(days=3)
    renamed = await app.use_cases.rename_user(principal, parse_username("Priya"))
    assert renamed.user is not None
    assert principal.identity.user is not None
    assert renamed.user.created_at == principal.identity.user.created_at


async def test_the_previous_username_is_free_at_once(app: AppHarness) -> None:
    principal = await app.add_user(a_phone(1), "Rahul")
    await app.use_cases.rename_user(principal, parse_username("Priya"))
    await app.create_user(await app.log_in(a_phone(2)), "Rahul")


async def test_the_spelling_of_a_username_can_be_changed(app: AppHarness) -> None:
    principal = await app.add_user(username="rahul")
    renamed = await app.use_cases.rename_user(principal, parse_username("Rahul"))
    assert renamed.user is not None
    assert renamed.user.username.text == "Rahul"


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


async def test_a_deleted_user_cannot_be_renamed(app: AppHarness) -> None:
    principal = await app.add_user()
    await app.use_cases.delete_user(principal)
    with pytest.raises(Unauthenticated):
        await app.use_cases.rename_user(principal, parse_username("Priya"))


async def test_a_user_is_not_renamed_without_database(app: AppHarness) -> None:
    principal = await app.add_user()
    app.database.is_unavailable = True
    with pytest.raises(StorageUnavailable):
        await app.use_cases.rename_user(principal, parse_username("Priya"))


# Deleting


async def test_the_items_of_a_deleted_user_are_not_found(app: AppHarness) -> None:
    principal = await app.add_user()
    uploaded = await app.upload_image(principal)
    await app.use_cases.delete_user(principal)
    with pytest.raises(ItemNotFound):
        await app.use_cases.get_item(uploaded.item.id)
    with pytest.raises(MediaFileNotFound):
        await read_opened(app.use_cases.open_file, uploaded.item.storage_key)
    page = await app.use_cases.list_items(ItemFilter(), PageRequest())
    assert page.items == []


async def test_the_files_of_a_deleted_user_are_deleted_at_once(app: AppHarness) -> None:
    principal = await app.add_user()
    for _ in range(3):
        await app.upload_image(principal)
    await app.use_cases.delete_user(principal)
    assert app.files.contents == {}


async def test_a_user_is_deleted_although_the_file_store_is_unavailable(app: AppHarness) -> None:
    principal = await app.add_user()
    uploaded = await app.upload_image(principal)
    app.files.is_unavailable = True
    await app.use_cases.delete_user(principal)
    app.files.is_unavailable = False
    with pytest.raises(MediaFileNotFound):
        await read_opened(app.use_cases.open_file, uploaded.item.storage_key)


async def test_the_phone_of_a_deleted_user_is_free_at_once(app: AppHarness) -> None:
    principal = await app.add_user(a_phone(1), "Rahul")
    await app.use_cases.delete_user(principal)
    after = await app.log_in(a_phone(1))
    assert (await app.create_user(after, "Priya")).id != principal.identity.id


async def test_of_parallel_deletions_of_a_user_one_succeeds(app: AppHarness) -> None:
    principal = await app.add_user()
    results = await asyncio.gather(
        *(app.use_cases.delete_user(principal) for _ in range(5)), return_exceptions=True
    )
    assert results.count(None) == 1
    assert sum(isinstance(result, Unauthenticated) for result in results) == 4


async def test_a_parallel_login_does_not_restore_a_deleted_user(app: AppHarness) -> None:
    principal = await app.add_user()
    app.advance(3600)
    await app.request_otp()
    await asyncio.gather(app.use_cases.delete_user(principal), app.verify_otp(app.last_code))
    with pytest.raises(UserNotFound):
        await app.use_cases.get_user(principal.identity.id)
    assert app.database.identities[principal.identity.id].value.is_deleted


async def test_a_user_is_not_deleted_without_database(app: AppHarness) -> None:
    principal = await app.add_user()
    app.database.is_unavailable = True
    with pytest.raises(StorageUnavailable):
        await app.use_cases.delete_user(principal)
    app.database.is_unavailable = False
    assert not (await app.use_cases.get_user(principal.identity.id)).is_deleted


async def delete_until_killed(app: AppHarness, principal: Principal) -> None:
    """Delete the user, and call the app until the process is killed."""
    await app.use_cases.delete_user(principal)
    while True:
        await app.database.repositories().health.check()


@pytest.mark.parametrize("step", range(3, 9))
async def test_a_process_killed_after_the_deletion_leaves_nothing_visible(step: int) -> None:
    app = AppHarness()
    principal = await app.add_user()
    uploaded = await app.upload_image(principal)
    app.faults.fail_at(step, kill=True)
    with pytest.raises(ProcessKilled):
        await delete_until_killed(app, principal)
    app.faults.reset()
    with pytest.raises(UserNotFound):
        await app.use_cases.get_user(principal.identity.id)
    with pytest.raises(ItemNotFound):
        await app.use_cases.get_item(uploaded.item.id)
    with pytest.raises(MediaFileNotFound):
        await read_opened(app.use_cases.open_file, uploaded.item.storage_key)


async def test_an_error_after_the_deletion_of_a_user_is_ignored() -> None:
    app = AppHarness()
    principal = await app.add_user()
    await app.upload_image(principal)
    app.faults.fail_on("media_cleanup.list_owned_by")
    await app.use_cases.delete_user(principal)
    assert app.faults.has_fired
    with pytest.raises(UserNotFound):
        await app.use_cases.get_user(principal.identity.id)


# Usernames of deleted users


@pytest.fixture
async def deleted_at(app: AppHarness) -> datetime:
    """Delete the user that has `DELETED_NAME`."""
    await app.use_cases.delete_user(await app.add_user(a_phone(1), DELETED_NAME.text))
    return app.clock.now()


async def log_in_after(app: AppHarness, deleted_at: datetime, **duration: float) -> Principal:
    """Log in with another phone, and set the clock to the time since the deletion."""
    principal = await app.log_in(OTHER_PHONE)
    app.clock.advance(deleted_at + timedelta(**duration) - app.clock.now())
    return principal


async def test_a_deleted_username_is_held_for_thirty_days(
    app: AppHarness, deleted_at: datetime
) -> None:
    principal = await log_in_after(app, deleted_at, days=30, milliseconds=-1)
    with pytest.raises(UsernameInUse):
        await app.create_user(principal, DELETED_NAME.text)


@pytest.mark.usefixtures("deleted_at")
async def test_the_previous_owner_cannot_take_a_held_username_either(app: AppHarness) -> None:
    same_phone = await app.log_in(a_phone(1))
    with pytest.raises(UsernameInUse):
        await app.create_user(same_phone, DELETED_NAME.text)


async def test_a_deleted_username_is_free_after_thirty_days(
    app: AppHarness, deleted_at: datetime
) -> None:
    principal = await log_in_after(app, deleted_at, days=30)
    created = await app.create_user(principal, DELETED_NAME.text)
    assert created.user is not None
    assert created.user.username == DELETED_NAME


@pytest.mark.usefixtures("deleted_at")
async def test_a_released_username_can_be_taken_by_renaming(app: AppHarness) -> None:
    principal = await app.add_user(a_phone(2), "Priya")
    app.advance(days=30)
    renamed = await app.use_cases.rename_user(principal, DELETED_NAME)
    assert renamed.username_key == DELETED_NAME.key


@pytest.mark.usefixtures("deleted_at")
async def test_a_username_is_held_after_the_cleanup_too(app: AppHarness) -> None:
    await app.use_cases.cleanup()
    principal = await app.log_in(a_phone(2))
    with pytest.raises(UsernameInUse):
        await app.create_user(principal, DELETED_NAME.text)


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

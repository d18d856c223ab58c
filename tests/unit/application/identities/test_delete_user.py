"""Deleting is one write; from then on nothing of the identity is shown."""

import asyncio

import pytest

from application.principal import Principal
from domain.errors import (
    ItemNotFound,
    MediaFileNotFound,
    Unauthenticated,
    Unavailable,
    UserNotFound,
)
from domain.media.page import ItemFilter, PageRequest
from tests.support.builders import a_phone
from tests.unit.application.breaking import BreakingDatabase, BreakingFiles, Killed, Steps
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


async def test_its_items_are_shown_no_more(house: House) -> None:
    principal = await house.user()
    shown = await house.upload(principal)
    await house.use_cases.delete_user(principal)
    with pytest.raises(ItemNotFound):
        await house.use_cases.get_item(shown.item.id)
    with pytest.raises(MediaFileNotFound):
        await house.use_cases.open_file(shown.item.storage_key)
    page = await house.use_cases.list_items(ItemFilter(), PageRequest())
    assert page.items == []


async def test_its_files_are_removed_as_far_as_that_goes_at_once(house: House) -> None:
    principal = await house.user()
    for _ in range(3):
        await house.upload(principal)
    await house.use_cases.delete_user(principal)
    assert house.files.kept == {}


async def test_a_store_that_does_not_let_go_hinders_no_deletion(house: House) -> None:
    principal = await house.user()
    shown = await house.upload(principal)
    house.files.broken = True
    await house.use_cases.delete_user(principal)
    house.files.broken = False
    with pytest.raises(MediaFileNotFound):
        await house.use_cases.open_file(shown.item.storage_key)


async def test_the_phone_is_free_for_somebody_new_at_once(house: House) -> None:
    principal = await house.user(a_phone(1), "Rahul")
    await house.use_cases.delete_user(principal)
    after = await house.sign_in(a_phone(1))
    assert (await house.create(after, "Priya")).id != principal.identity.id


async def test_deleting_twice_at_once_is_deleting_once(house: House) -> None:
    principal = await house.user()
    outcomes = await asyncio.gather(
        *(house.use_cases.delete_user(principal) for _ in range(5)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert sum(isinstance(one, Unauthenticated) for one in outcomes) == 4


async def test_a_sign_in_at_the_same_time_does_not_bring_it_back(house: House) -> None:
    principal = await house.user()
    house.wait(3600)
    await house.ask()
    code = house.messenger.messages[-1].code
    await asyncio.gather(house.use_cases.delete_user(principal), house.answer(code))
    with pytest.raises(UserNotFound):
        await house.use_cases.get_user(principal.identity.id)
    assert house.database.identities[principal.identity.id].value.is_deleted


async def test_what_could_not_be_saved_is_not_acknowledged(house: House) -> None:
    principal = await house.user()
    house.database.is_down = True
    with pytest.raises(Unavailable):
        await house.use_cases.delete_user(principal)
    house.database.is_down = False
    assert not (await house.use_cases.get_user(principal.identity.id)).is_deleted


async def delete_and_die(house: House, principal: Principal) -> None:
    """Delete the caller; if the process lives on, it dies soon after."""
    await house.use_cases.delete_user(principal)
    while True:
        await house.use_cases.check_readiness()


@pytest.mark.parametrize("step", range(3, 9))
async def test_from_the_one_write_on_nothing_is_shown_wherever_the_process_dies(step: int) -> None:
    steps = Steps()
    database = BreakingDatabase(steps=steps)
    house = House(database=database, files=BreakingFiles(steps))
    principal = await house.user()
    shown = await house.upload(principal)
    steps.forget()
    steps.fails_at, steps.kills = step, True
    with pytest.raises(Killed):
        await delete_and_die(house, principal)
    steps.forget()
    with pytest.raises(UserNotFound):
        await house.use_cases.get_user(principal.identity.id)
    with pytest.raises(ItemNotFound):
        await house.use_cases.get_item(shown.item.id)
    with pytest.raises(MediaFileNotFound):
        await house.use_cases.open_file(shown.item.storage_key)


async def test_a_database_that_fails_after_the_one_write_hinders_no_deletion() -> None:
    database = BreakingDatabase()
    house = House(database=database)
    principal = await house.user()
    await house.upload(principal)
    database.steps.forget()
    database.steps.fails_at = 3
    await house.use_cases.delete_user(principal)
    assert database.steps.failed
    with pytest.raises(UserNotFound):
        await house.use_cases.get_user(principal.identity.id)

"""Whoever is deleted while uploading leaves no picture behind."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from application.principal import Principal
from domain.errors import DomainError, Unauthenticated
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT
from domain.media.page import ItemFilter, PageRequest
from tests.support.fakes.media_files import InMemoryFiles
from tests.unit.application.breaking import BreakingDatabase, Killed, Steps
from tests.unit.application.wiring import House

Event = Callable[[], Awaitable[object]]


async def nothing() -> None:
    """What usually happens meanwhile."""


class EventfulFiles(InMemoryFiles):
    """Files in memory; something happens before each is stored."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Event = nothing

    async def write(self, storage_key: str, content: bytes, content_type: str) -> None:
        await self.meanwhile()
        await super().write(storage_key, content, content_type)


class EventfulDatabase(BreakingDatabase):
    """Records in memory; something happens before a chosen step."""

    __slots__ = ("before_step", "meanwhile")

    def __init__(self, steps: Steps) -> None:
        super().__init__(steps=steps)
        self.before_step: int | None = None
        self.meanwhile: Event = nothing

    async def reached(self) -> None:
        if self.steps.taken + 1 == self.before_step:
            self.before_step = None
            await self.meanwhile()
        await super().reached()


async def clear(house: House) -> None:
    """Let the sweeper do all that it ever will."""
    await house.use_cases.cleanup()
    house.clock.advance(UPLOAD_TIMEOUT)
    await house.use_cases.cleanup()
    house.clock.advance(FILE_DELETION_DELAY)
    await house.use_cases.cleanup()
    assert (await house.use_cases.cleanup()).total == 0


async def deleted(house: House, principal: Principal) -> None:
    """Delete the caller."""
    await house.use_cases.delete_user(principal)


async def deleted_and_swept(house: House, principal: Principal) -> None:
    """Delete the caller, and let the sweeper see to it before anything else happens."""
    await house.use_cases.delete_user(principal)
    await house.use_cases.cleanup()


async def nothing_is_left(house: House) -> None:
    page = await house.use_cases.list_items(ItemFilter(), PageRequest())
    assert page.items == []
    await clear(house)
    assert house.files.kept == {}
    assert house.database.media_items == {}


async def test_a_deletion_before_the_upload_leaves_nothing() -> None:
    house = House()
    principal = await house.user()
    await deleted(house, principal)
    with pytest.raises(Unauthenticated):
        await house.upload(principal)
    await nothing_is_left(house)


@pytest.mark.parametrize("happens", [deleted, deleted_and_swept])
async def test_a_deletion_while_the_file_is_stored_leaves_nothing(
    happens: Callable[[House, Principal], Awaitable[None]],
) -> None:
    files = EventfulFiles()
    house = House(files=files)
    principal = await house.user()
    files.meanwhile = lambda: happens(house, principal)
    with pytest.raises(DomainError):
        await house.upload(principal)
    await nothing_is_left(house)


async def test_whoever_is_deleted_while_uploading_is_told_so() -> None:
    files = EventfulFiles()
    house = House(files=files)
    principal = await house.user()
    files.meanwhile = lambda: deleted(house, principal)
    with pytest.raises(Unauthenticated):
        await house.upload(principal)


@pytest.mark.parametrize("happens", [deleted, deleted_and_swept])
@pytest.mark.parametrize("step", range(1, 4))
async def test_a_deletion_before_whatever_step_leaves_nothing(
    happens: Callable[[House, Principal], Awaitable[None]], step: int
) -> None:
    steps = Steps()
    database = EventfulDatabase(steps)
    house = House(database=database)
    principal = await house.user()
    steps.forget()
    database.before_step, database.meanwhile = step, lambda: happens(house, principal)
    with suppress(DomainError):
        await house.upload(principal)
    assert house.database.identities[principal.identity.id].value.is_deleted
    await nothing_is_left(house)


@pytest.mark.parametrize("dies_at", range(1, 5))
async def test_nothing_is_left_even_if_the_process_dies_thereafter(dies_at: int) -> None:
    """The deletion was swept before the upload began; then the process dies at some step."""
    steps = Steps()
    house = House(database=BreakingDatabase(steps=steps))
    principal = await house.user()
    await deleted_and_swept(house, principal)
    steps.forget()
    steps.fails_at, steps.kills = dies_at, True
    with pytest.raises((Killed, Unauthenticated)):
        await house.upload(principal)
    steps.forget()
    await nothing_is_left(house)


@pytest.mark.parametrize("fails_at", range(1, 5))
async def test_nothing_is_left_even_if_the_database_fails_thereafter(fails_at: int) -> None:
    """The deletion was swept before the upload began; then the database fails at some step."""
    steps = Steps()
    house = House(database=BreakingDatabase(steps=steps))
    principal = await house.user()
    await deleted_and_swept(house, principal)
    steps.forget()
    steps.fails_at = fails_at
    with pytest.raises(DomainError):
        await house.upload(principal)
    steps.forget()
    await nothing_is_left(house)

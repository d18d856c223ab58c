"""Whatever fails while uploading is told, shows nothing, and is cleared away."""

from dataclasses import dataclass, field, replace

import pytest

from application.ports.errors import StorageUnavailable
from application.ports.repositories import Repositories
from application.principal import Principal
from domain.errors import ItemSaveFailed, MediaStorageFailed
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT, MediaItem
from domain.media.page import ItemFilter, PageRequest
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.fakes.records import InMemoryDatabase, InMemoryMediaItems
from tests.unit.application.breaking import BreakingDatabase, BreakingFiles, Killed, Steps
from tests.unit.application.wiring import House


class SlowFiles(InMemoryFiles):
    """Files that take their time: each one a whole lease."""

    house: House

    async def write(self, storage_key: str, content: bytes, content_type: str) -> None:
        self.house.clock.advance(UPLOAD_TIMEOUT)
        await super().write(storage_key, content, content_type)


class SilentItems(InMemoryMediaItems):
    """Records that publish an item and then do not say so."""

    async def replace(self, item: MediaItem, version: int) -> bool:
        was_saved = await super().replace(item, version)
        if item.is_ready:
            raise StorageUnavailable("no answer")
        return was_saved


class SilentDatabase(InMemoryDatabase):
    """A database with such records."""

    def records(self) -> Repositories:
        return replace(InMemoryDatabase.records(self), media_items=SilentItems(self))


@dataclass
class Fragile:
    """A house whose database and files fail at the same count of steps."""

    steps: Steps = field(default_factory=Steps)

    def __post_init__(self) -> None:
        self.house = House(
            database=BreakingDatabase(steps=self.steps), files=BreakingFiles(self.steps)
        )


@pytest.fixture
def fragile() -> Fragile:
    return Fragile()


@pytest.fixture
def house(fragile: Fragile) -> House:
    return fragile.house


@pytest.fixture
async def principal(fragile: Fragile) -> Principal:
    principal = await fragile.house.user()
    fragile.steps.forget()
    return principal


async def shown_items(house: House) -> int:
    """How many items the library shows."""
    return (await house.use_cases.list_items(ItemFilter(), PageRequest())).page.total


async def clear(house: House) -> None:
    """Let the sweeper do all that it ever will."""
    house.clock.advance(UPLOAD_TIMEOUT)
    await house.use_cases.cleanup()
    house.clock.advance(FILE_DELETION_DELAY)
    await house.use_cases.cleanup()
    assert (await house.use_cases.cleanup()).total == 0


async def test_a_store_that_does_not_take_the_file_is_told_of(
    house: House, principal: Principal
) -> None:
    house.files.broken = True
    with pytest.raises(MediaStorageFailed):
        await house.upload(principal)
    assert await shown_items(house) == 0


async def test_a_database_that_takes_no_record_is_told_of_before_anything_is_stored(
    house: House, principal: Principal
) -> None:
    house.database.is_down = True
    with pytest.raises(ItemSaveFailed):
        await house.upload(principal)
    assert house.files.kept == {}


async def test_a_last_write_that_was_done_but_not_answered_is_undone() -> None:
    house = House(database=SilentDatabase())
    principal = await house.user()
    with pytest.raises(ItemSaveFailed):
        await house.upload(principal)
    assert await shown_items(house) == 0
    assert house.files.kept == {}
    await clear(house)
    assert house.database.media_items == {}


async def test_an_upload_that_takes_longer_than_its_lease_is_not_shown() -> None:
    files = SlowFiles()
    house = House(files=files)
    files.house = house
    principal = await house.user()
    with pytest.raises(ItemSaveFailed):
        await house.upload(principal)
    assert await shown_items(house) == 0
    await clear(house)
    assert files.kept == {}
    assert house.database.media_items == {}


async def test_an_upload_that_the_sweeper_gave_up_is_not_shown(
    fragile: Fragile, principal: Principal
) -> None:
    house = fragile.house
    fragile.steps.fails_at, fragile.steps.kills = 2, True
    with pytest.raises(Killed):
        await house.upload(principal)
    fragile.steps.forget()
    house.clock.advance(UPLOAD_TIMEOUT)
    assert (await house.use_cases.cleanup()).abandoned_uploads == 1
    assert await shown_items(house) == 0


@pytest.mark.parametrize("kills", [False, True], ids=["fails", "dies"])
@pytest.mark.parametrize("step", range(1, 4))
async def test_whatever_step_fails_nothing_is_shown_and_nothing_stays(
    fragile: Fragile, principal: Principal, step: int, kills: bool
) -> None:
    house = fragile.house
    fragile.steps.fails_at, fragile.steps.kills = step, kills
    with pytest.raises(Killed if kills else (MediaStorageFailed, ItemSaveFailed)):
        await house.upload(principal)
    fragile.steps.forget()
    assert await shown_items(house) == 0
    await clear(house)
    assert house.files.kept == {}
    assert house.database.media_items == {}


async def test_an_upload_whose_end_failed_is_there_as_a_whole_or_not_at_all(
    fragile: Fragile, principal: Principal
) -> None:
    house = fragile.house
    for step in range(1, 7):
        fragile.steps.fails_at, fragile.steps.kills = step, True
        try:
            await house.upload(principal)
        except Killed:
            pass
        finally:
            fragile.steps.forget()
    await clear(house)
    items = [one.value for one in house.database.media_items.values()]
    assert all(item.is_ready for item in items)
    assert sorted(house.files.kept) == sorted(item.storage_key for item in items)


async def test_a_failure_that_was_told_leaves_no_picture_in_the_library(
    fragile: Fragile, principal: Principal
) -> None:
    house = fragile.house
    for step in range(1, 7):
        before = await shown_items(house)
        fragile.steps.forget()
        fragile.steps.fails_at = step
        try:
            await house.upload(principal)
        except (MediaStorageFailed, ItemSaveFailed):
            fragile.steps.forget()
            assert await shown_items(house) == before, f"step {step}"
        fragile.steps.forget()

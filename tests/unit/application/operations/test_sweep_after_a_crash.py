"""Whatever stops a sweep, or what it sweeps up after, the next sweep goes on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from application.ports.errors import StorageUnavailable
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT, ItemState
from tests.support.builders import a_phone, an_id, an_item
from tests.unit.application.breaking import BreakingDatabase, BreakingFiles, Killed, Steps
from tests.unit.application.wiring import House

pytestmark = pytest.mark.exhaustive

STEPS_OF_A_SWEEP = 50


@dataclass
class Ruin:
    """A house with something of everything that is swept."""

    steps: Steps = field(default_factory=Steps)

    def __post_init__(self) -> None:
        self.house = House(
            database=BreakingDatabase(steps=self.steps), files=BreakingFiles(self.steps)
        )

    async def fall(self) -> None:
        """Leave an abandoned upload, a doomed file, and a deleted identity with two items."""
        house = self.house
        principal = await house.user(a_phone(1), "Rahul")
        first, second = await house.upload(principal), await house.upload(principal)
        items = house.database.records().media_items
        now = house.clock.now()
        pending = an_item(
            id=an_id(71), state=ItemState.PENDING, upload_deadline=now + UPLOAD_TIMEOUT
        )
        doomed = an_item(id=an_id(72), state=ItemState.DELETING, deletion_requested_at=now)
        for item in (pending, doomed):
            await items.add(item)
            house.files.kept[item.storage_key] = b"left over"
        house.clock.advance(FILE_DELETION_DELAY)
        self.steps.forget()
        self.steps.fails_at, self.steps.kills = 3, True
        with pytest.raises(Killed):
            await house.use_cases.delete_user(principal)
        self.steps.forget()
        assert {first.item.storage_key, second.item.storage_key} < set(house.files.kept)


async def ruins() -> AsyncIterator[tuple[Ruin, int]]:
    """Give a fresh one for each step of a sweep and more."""
    for step in range(1, STEPS_OF_A_SWEEP):
        ruin = Ruin()
        await ruin.fall()
        yield ruin, step


async def sweep_on_and_on(house: House) -> None:
    """Sweep until the process dies."""
    while True:
        await house.use_cases.cleanup()


async def is_clean(house: House) -> None:
    """Sweep, and see that nothing is left that was not shown."""
    await house.use_cases.cleanup()
    house.clock.advance(FILE_DELETION_DELAY)
    await house.use_cases.cleanup()
    assert (await house.use_cases.cleanup()).total == 0
    assert house.files.kept == {}
    assert house.database.media_items == {}
    (tombstone,) = (one.value for one in house.database.identities.values())
    assert tombstone.purged_at
    assert house.database.phone_verifications[a_phone(1)].value.identity_id is None


async def test_an_undisturbed_sweep_leaves_nothing_and_takes_fewer_steps_than_are_tried() -> None:
    ruin = Ruin()
    await ruin.fall()
    await is_clean(ruin.house)
    assert ruin.steps.taken < STEPS_OF_A_SWEEP


async def test_a_sweep_that_dies_at_any_step_is_completed_by_the_next() -> None:
    async for ruin, step in ruins():
        ruin.steps.fails_at, ruin.steps.kills = step, True
        with pytest.raises(Killed):
            await sweep_on_and_on(ruin.house)
        ruin.steps.forget()
        await is_clean(ruin.house)


async def test_a_sweep_that_fails_at_any_step_is_completed_by_the_next() -> None:
    async for ruin, step in ruins():
        ruin.steps.fails_at = step
        try:
            await ruin.house.use_cases.cleanup()
        except StorageUnavailable:
            pass
        finally:
            ruin.steps.forget()
        await is_clean(ruin.house)


async def test_whoever_signs_in_between_two_halves_of_a_sweep_stays() -> None:
    async for ruin, step in ruins():
        house = ruin.house
        ruin.steps.fails_at, ruin.steps.kills = step, True
        with pytest.raises(Killed):
            await sweep_on_and_on(house)
        ruin.steps.forget()
        principal = await house.sign_in(a_phone(1))
        shown = await house.upload(principal)
        await house.use_cases.cleanup()
        assert (await house.sign_in(a_phone(1))).identity.id == principal.identity.id
        assert (await house.use_cases.get_item(shown.item.id)).item == shown.item

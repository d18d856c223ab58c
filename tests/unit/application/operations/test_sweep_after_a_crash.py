"""Whatever stops a sweep, or what it sweeps up after, the next sweep goes on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from application.ports.errors import StoreUnavailable
from domain.media.item import LEASE, SECOND_LOOK, ItemState
from tests.builders import a_phone, an_id, an_item
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
        caller = await house.user(a_phone(1), "Rahul")
        first, second = await house.upload(caller), await house.upload(caller)
        items = house.database.records().media_items
        now = house.clock.now()
        pending = an_item(id=an_id(71), state=ItemState.PENDING, lease_until=now + LEASE)
        doomed = an_item(id=an_id(72), state=ItemState.DOOMED, doomed=now)
        for item in (pending, doomed):
            await items.add(item)
            house.files.kept[item.key] = b"left over"
        house.clock.advance(SECOND_LOOK)
        self.steps.forget()
        self.steps.fails_at, self.steps.kills = 3, True
        with pytest.raises(Killed):
            await house.use_cases.delete_user(caller)
        self.steps.forget()
        assert {first.item.key, second.item.key} < set(house.files.kept)


async def ruins() -> AsyncIterator[tuple[Ruin, int]]:
    """Give a fresh one for each step of a sweep and more."""
    for step in range(1, STEPS_OF_A_SWEEP):
        ruin = Ruin()
        await ruin.fall()
        yield ruin, step


async def sweep_on_and_on(house: House) -> None:
    """Sweep until the process dies."""
    while True:
        await house.use_cases.sweep()


async def is_clean(house: House) -> None:
    """Sweep, and see that nothing is left that was not shown."""
    await house.use_cases.sweep()
    house.clock.advance(SECOND_LOOK)
    await house.use_cases.sweep()
    assert (await house.use_cases.sweep()).total == 0
    assert house.files.kept == {}
    assert house.database.media_items == {}
    (tombstone,) = (one.value for one in house.database.identities.values())
    assert tombstone.swept
    assert house.database.phone_records[a_phone(1)].value.identity_id is None


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
            await ruin.house.use_cases.sweep()
        except StoreUnavailable:
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
        caller = await house.sign_in(a_phone(1))
        shown = await house.upload(caller)
        await house.use_cases.sweep()
        assert (await house.sign_in(a_phone(1))).identity.id == caller.identity.id
        assert (await house.use_cases.read_item(shown.item.id)).item == shown.item

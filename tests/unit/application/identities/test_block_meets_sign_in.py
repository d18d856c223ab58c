"""A sign-in and a block that meet: whichever step is between which, no session is left."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from application.otp.verify_otp import LoggedIn, OtpRejected
from domain.errors import Unauthenticated
from tests.support.builders import a_phone
from tests.support.fakes.records import InMemoryDatabase
from tests.unit.application.wiring import House

STEPS = range(1, 10)
"""More than either takes; a step that is never come to leaves them one after the other."""


@dataclass(slots=True)
class InterruptedDatabase(InMemoryDatabase):
    """Records in memory; before a chosen call something else happens, from beginning to end."""

    steps_left: int = 0
    meanwhile: list[Callable[[], Awaitable[object]]] = field(default_factory=list)

    async def reached(self) -> None:
        # The dataclass decorator makes the class anew for its slots: a bare super() misses it.
        await InMemoryDatabase.reached(self)
        self.steps_left -= 1
        if self.steps_left == 0 and self.meanwhile:
            await self.meanwhile.pop()()

    def interrupt(self, step: int, meanwhile: Callable[[], Awaitable[object]]) -> None:
        """Have something happen before the call that is `step` calls from now."""
        self.steps_left = step
        self.meanwhile.append(meanwhile)

    async def finish(self) -> None:
        """Have it happen now, if it was never come to."""
        self.steps_left = 0
        while self.meanwhile:
            await self.meanwhile.pop()()


async def a_new_phone(house: House) -> None:
    """Whose identity its first sign-in makes."""


async def a_known_phone(house: House) -> None:
    """Whose identity is there."""
    await house.token()


async def a_phone_left(house: House) -> None:
    """Whose identity was deleted, and not swept."""
    await house.use_cases.delete_user(await house.sign_in())


@pytest.fixture(params=[a_new_phone, a_known_phone, a_phone_left], ids=lambda one: one.__name__)
async def house(request: pytest.FixtureRequest) -> House:
    house = House(database=InterruptedDatabase())
    await request.param(house)
    house.wait(hours=12)
    await house.ask()
    return house


@pytest.fixture
def database(house: House) -> InterruptedDatabase:
    assert isinstance(house.database, InterruptedDatabase)
    return house.database


async def nobody_is_signed_in(house: House, outcomes: list[LoggedIn | OtpRejected]) -> None:
    """See that the block holds, and that it can be undone."""
    assert len(outcomes) == 1
    for outcome in outcomes:
        if isinstance(outcome, LoggedIn):
            with pytest.raises(Unauthenticated):
                await house.use_cases.authenticate(outcome.tokens.access_token)
    assert all(one.value.sessions == () for one in house.database.identities.values())
    assert house.database.phone_verifications[a_phone()].value.blocked_at
    await house.use_cases.unblock_phone(a_phone())
    await house.token()


@pytest.mark.parametrize("step", STEPS)
async def test_a_block_in_the_middle_of_a_sign_in_leaves_no_session(
    house: House, database: InterruptedDatabase, step: int
) -> None:
    database.interrupt(step, lambda: house.use_cases.block_phone(a_phone()))

    outcome = await house.answer(house.messenger.messages[-1].code)

    await database.finish()
    await nobody_is_signed_in(house, [outcome])


@pytest.mark.parametrize("step", STEPS)
async def test_a_sign_in_in_the_middle_of_a_block_leaves_no_session(
    house: House, database: InterruptedDatabase, step: int
) -> None:
    outcomes: list[LoggedIn | OtpRejected] = []

    async def sign_in() -> None:
        outcomes.append(await house.answer(house.messenger.messages[-1].code))

    database.interrupt(step, sign_in)

    await house.use_cases.block_phone(a_phone())

    await database.finish()
    await nobody_is_signed_in(house, outcomes)


@pytest.mark.parametrize("step", STEPS)
async def test_a_block_and_its_end_in_the_middle_of_a_sign_in_leave_a_phone_that_works(
    house: House, database: InterruptedDatabase, step: int
) -> None:
    async def block_and_unblock() -> None:
        await house.use_cases.block_phone(a_phone())
        await house.use_cases.unblock_phone(a_phone())

    database.interrupt(step, block_and_unblock)

    await house.answer(house.messenger.messages[-1].code)

    await database.finish()
    await house.token()

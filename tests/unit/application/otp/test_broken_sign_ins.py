"""What a failure in the middle of signing in leaves behind is completed by the next attempt."""

import pytest

from application.otp.verify_otp import LoggedIn
from domain.errors import Unavailable
from tests.support.builders import a_phone
from tests.unit.application.breaking import BreakingDatabase, Killed
from tests.unit.application.wiring import House


@pytest.fixture
def database() -> BreakingDatabase:
    return BreakingDatabase()


@pytest.fixture
def house(database: BreakingDatabase) -> House:
    return House(database=database)


@pytest.mark.parametrize("kills", [False, True], ids=["fails", "dies"])
@pytest.mark.parametrize("step", range(1, 5))
async def test_whatever_step_fails_the_next_sign_in_works(
    house: House, database: BreakingDatabase, step: int, kills: bool
) -> None:
    await house.ask()
    database.steps.forget()
    database.steps.fails_at, database.steps.kills = step, kills
    with pytest.raises(Killed if kills else Unavailable):
        await house.answer(house.messenger.messages[-1].code)
    database.steps.forget()
    principal = await house.sign_in()
    assert list(house.database.identities) == [principal.identity.id]
    record = house.database.phone_verifications[a_phone()].value
    assert record.identity_id == principal.identity.id


async def test_a_failure_before_the_answer_was_judged_spends_no_code(
    house: House, database: BreakingDatabase
) -> None:
    await house.ask()
    database.steps.forget()
    database.steps.fails_at = 2
    with pytest.raises(Unavailable):
        await house.answer(house.messenger.messages[-1].code)
    assert isinstance(await house.answer(house.messenger.messages[-1].code), LoggedIn)


async def test_the_identity_is_made_under_the_id_that_the_phone_was_given(
    house: House, database: BreakingDatabase
) -> None:
    await house.ask()
    database.steps.forget()
    database.steps.fails_at = 4
    with pytest.raises(Unavailable):
        await house.answer(house.messenger.messages[-1].code)
    promised = house.database.phone_verifications[a_phone()].value.identity_id
    assert promised is not None
    assert house.database.identities == {}
    assert (await house.sign_in()).identity.id == promised

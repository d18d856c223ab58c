"""Each part that the service needs is asked; only the database stops everything."""

import asyncio

import pytest

from application.operations import check_readiness
from application.operations.check_readiness import CheckReadiness, Readiness
from application.ports.system import HealthCheck
from tests.support.fakes.messenger import REJECTED
from tests.support.fakes.records import InMemoryDatabase
from tests.unit.application.wiring import House


class Silent:
    """A part that never answers."""

    async def check(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def fine() -> HealthCheck:
    return InMemoryDatabase().records().health


async def test_when_all_work_it_is_ready(house: House) -> None:
    readiness = await house.use_cases.check_readiness()
    assert readiness == Readiness(None, None, None)
    assert readiness.is_ready


async def test_without_the_database_it_is_not_ready(house: House) -> None:
    house.database.is_down = True
    readiness = await house.use_cases.check_readiness()
    assert (readiness.is_ready, readiness.database) == (False, "down")


async def test_without_the_store_and_the_sender_it_is_ready_and_names_them(house: House) -> None:
    house.files.broken, house.messenger.result = True, REJECTED
    readiness = await house.use_cases.check_readiness()
    assert readiness == Readiness(None, media="broken", messages=REJECTED.reason)
    assert readiness.is_ready


async def test_a_part_that_does_not_answer_does_not_work(
    fine: HealthCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_readiness, "LONGEST_CHECK", 0)
    readiness = await CheckReadiness(Silent(), fine, Silent())()
    assert readiness.database == readiness.messages == "does not answer"
    assert not readiness.is_ready

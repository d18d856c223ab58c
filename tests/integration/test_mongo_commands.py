"""How many commands a request costs: the driver's calls are what the service spends its time on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from application.otp.verify_otp import LoggedIn
from tests.integration.mongo_commands import Commands, RoundTrips, watched
from tests.support.builders import a_phone
from tests.unit.application.wiring import House


@dataclass(frozen=True, slots=True)
class Front:
    """The use cases over MongoDB, and what they send."""

    house: House
    commands: Commands
    round_trips: RoundTrips

    async def ask(self) -> None:
        await self.house.ask()

    async def answer(self, code: str | None = None) -> str | None:
        """Answer with the latest code or this one; gives a token if it is right."""
        outcome = await self.house.answer(code or self.house.messenger.messages[-1].code)
        return outcome.tokens.access_token if isinstance(outcome, LoggedIn) else None

    def costs(self) -> tuple[int, list[str]]:
        """The round trips that followed one another since it was last asked, and all commands."""
        spent = self.round_trips.count, sorted(self.commands.names)
        self.round_trips.count = 0
        self.commands.sent.clear()
        return spent


@pytest.fixture
async def front(mongo_database: str) -> AsyncIterator[Front]:
    round_trips = RoundTrips()
    async with watched(mongo_database, round_trips) as (records, commands):
        yield Front(House(records=records), commands, round_trips)


async def test_an_ask_is_a_read_a_bulk_and_a_swap(front: Front) -> None:
    await front.ask()
    assert front.costs() == (3, ["find", "insert", "update"])

    front.house.wait(minutes=1)
    await front.ask()
    assert front.costs() == (3, ["find", "update", "update"])


async def test_a_repeated_ask_looks_and_writes_nothing(front: Front) -> None:
    await front.ask()
    front.costs()

    await front.ask()
    assert front.costs() == (1, ["find"])


async def test_a_wrong_answer_is_a_read_beside_its_budget_and_a_swap(front: Front) -> None:
    await front.ask()
    front.costs()

    assert await front.answer("000000") is None
    assert front.costs() == (2, ["find", "update", "update"])


async def test_a_right_answer_adds_one_round_trip_for_the_identity(front: Front) -> None:
    await front.ask()
    front.costs()
    assert await front.answer()
    assert front.costs() == (3, ["find", "find", "insert", "update", "update", "update"])

    front.house.wait(minutes=10)
    await front.ask()
    front.costs()
    assert await front.answer()
    assert front.costs() == (3, ["find", "find", "update", "update", "update", "update"])


async def test_an_authenticated_request_is_a_read(front: Front) -> None:
    await front.ask()
    token = await front.answer()
    assert token
    front.costs()

    principal = await front.house.use_cases.authenticate(token)

    assert principal.identity.phone == a_phone()
    assert front.costs() == (1, ["find"])

"""Requests that meet at one record, through one client and through two, as of two instances."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import cycle

import pytest

from adapters.mongo.address import place_of
from adapters.mongo.database import Database
from adapters.mongo.driver import close_client, database_of, make_client, patience_of
from adapters.mongo.reads import Reads
from adapters.mongo.records import open_mongo_records, records_in
from application.ports.errors import UsernameTaken
from application.ports.phone_records import PhoneRecords
from application.ports.records import Records
from application.ports.versioned import Versioned
from application.wiring import Rules
from domain.errors import TooManyAsks
from domain.phone import PhoneNumber
from domain.sign_in.phone_record import PhoneRecord
from domain.sign_in.send import SendLimits
from tests.builders import a_phone, a_session, a_user, an_id, an_identity, an_item
from tests.fakes.clock import MovableClock
from tests.fakes.messenger import FakeMessenger
from tests.fakes.randomness import SeededRandomness
from tests.fakes.seal import FakeSeal
from tests.unit.application.wiring import House

NO_REST = replace(SendLimits(), cool_down=timedelta(0))
ASKS = 200


@asynccontextmanager
async def by_another_client(url: str) -> AsyncIterator[Records]:
    """The same records with connections of their own; for what beanie has no part in."""
    client = make_client(url, place_of(url))
    database = Database(database_of(client), patience_of(client))
    yield records_in(database, Reads.of(database), FakeSeal())
    await close_client(client)


@pytest.fixture
async def instances(mongo_database: str) -> AsyncIterator[list[Records]]:
    async with (
        open_mongo_records(mongo_database, FakeSeal()) as here,
        by_another_client(mongo_database) as there,
    ):
        yield [here, there]


@dataclass(frozen=True, slots=True)
class CountedPhoneRecords:
    """Phone records that count how often each task loads."""

    records: PhoneRecords
    rounds: Counter[object] = field(default_factory=Counter)

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneRecord]:
        self.rounds[asyncio.current_task()] += 1
        return await self.records.load(phone)

    async def replace(self, phone: PhoneNumber, record: PhoneRecord, version: int) -> bool:
        return await self.records.replace(phone, record, version)

    async def drop_lapsed(self, now: object, limit: int) -> int:
        raise NotImplementedError


@pytest.mark.parametrize("count", [1, 2])
async def test_of_fifty_swaps_of_one_identity_one_wins(
    instances: list[Records], count: int
) -> None:
    await instances[0].identities.add(an_identity())
    wanted = [an_identity(sessions=(a_session(id=an_id(number)),)) for number in range(50)]

    won = await asyncio.gather(
        *(
            by.identities.replace(one, 1)
            for by, one in zip(cycle(instances[:count]), wanted, strict=False)
        )
    )

    assert won.count(True) == 1
    winner = Versioned(wanted[won.index(True)], 2)
    for by in instances:
        assert await by.identities.load(an_id()) == winner


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("is_new", [True, False])
async def test_of_fifty_swaps_of_one_phone_record_one_wins(
    instances: list[Records], count: int, is_new: bool
) -> None:
    if not is_new:
        await instances[0].phone_records.replace(a_phone(), PhoneRecord(), 0)
    version = (await instances[0].phone_records.load(a_phone())).version
    wanted = [PhoneRecord(identity_id=an_id(number)) for number in range(50)]

    won = await asyncio.gather(
        *(
            by.phone_records.replace(a_phone(), one, version)
            for by, one in zip(cycle(instances[:count]), wanted, strict=False)
        )
    )

    assert won.count(True) == 1
    for by in instances:
        assert (await by.phone_records.load(a_phone())).value == wanted[won.index(True)]


async def test_of_fifty_changes_of_one_item_by_two_instances_one_wins(
    instances: list[Records],
) -> None:
    await instances[0].media_items.add(an_item())
    changes = [
        *(instances[0].media_items.replace(an_item(category=str(one)), 1) for one in range(25)),
        *(instances[1].media_items.remove(an_id(), 1) for _ in range(25)),
    ]

    assert (await asyncio.gather(*changes)).count(True) == 1


async def test_of_fifty_who_want_one_name_at_two_instances_one_gets_it(
    instances: list[Records],
) -> None:
    outcomes = await asyncio.gather(
        *(
            by.identities.add(an_identity(id=an_id(number), user=a_user("Zoë")))
            for by, number in zip(cycle(instances), range(50), strict=False)
        ),
        return_exceptions=True,
    )

    assert outcomes.count(True) == 1
    assert sum(isinstance(one, UsernameTaken) for one in outcomes) == 49


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("limits", "sent"), [(NO_REST, 5), (SendLimits(), 1)])
async def test_two_hundred_asks_at_once_send_what_the_budget_allows(
    instances: list[Records], count: int, limits: SendLimits, sent: int
) -> None:
    messenger, clock = FakeMessenger(), MovableClock()
    counted = [CountedPhoneRecords(one.phone_records) for one in instances[:count]]
    houses = [
        House(
            records=replace(instance, phone_records=records),
            messenger=messenger,
            clock=clock,
            randomness=SeededRandomness(seed),
            rules=Rules(send_limits=limits),
        )
        for seed, (records, instance) in enumerate(zip(counted, instances, strict=False))
    ]

    # Each from an address of its own, so that only the phone's budget binds.
    outcomes = await asyncio.gather(
        *(
            house.ask(a_phone(), f"192.0.2.{number % 256}/{number}")
            for house, number in zip(cycle(houses), range(ASKS), strict=False)
        ),
        return_exceptions=True,
    )

    assert len(messenger.messages) == sent
    assert sum(isinstance(one, TooManyAsks) for one in outcomes) == ASKS - sent
    assert len({message.code for message in messenger.messages}) == 1
    # A round is lost only to somebody who won it, and as many win as messages go out.
    rounds = max(max(one.rounds.values()) for one in counted)
    assert rounds <= sent + 1

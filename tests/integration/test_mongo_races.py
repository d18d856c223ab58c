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
from application.ports.errors import UniqueViolation
from application.ports.phone_verifications import PhoneVerifications
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from application.wiring import Policy
from domain.errors import TooManyOtpRequests
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber
from tests.support.builders import a_phone, a_session, a_user, an_id, an_identity, an_item
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.randomness import SeededRandomness
from tests.support.fakes.seal import FakeSeal
from tests.unit.application.wiring import House

NO_REST = replace(DeliveryPolicy(), cooldown=timedelta(0))
ASKS = 200


@asynccontextmanager
async def by_another_client(url: str) -> AsyncIterator[Repositories]:
    """The same records with connections of their own; for what beanie has no part in."""
    client = make_client(url, place_of(url))
    database = Database(database_of(client), patience_of(client))
    yield records_in(database, Reads.of(database), FakeSeal())
    await close_client(client)


@pytest.fixture
async def instances(mongo_database: str) -> AsyncIterator[list[Repositories]]:
    async with (
        open_mongo_records(mongo_database, FakeSeal()) as here,
        by_another_client(mongo_database) as there,
    ):
        yield [here, there]


@dataclass(frozen=True, slots=True)
class CountedPhoneRecords:
    """Phone records that count how often each task loads."""

    records: PhoneVerifications
    rounds: Counter[object] = field(default_factory=Counter)

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        self.rounds[asyncio.current_task()] += 1
        return await self.records.load(phone)

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        return await self.records.replace(phone, verification, version)

    async def delete_expired(self, now: object, limit: int) -> int:
        raise NotImplementedError


@pytest.mark.parametrize("count", [1, 2])
async def test_of_fifty_swaps_of_one_identity_one_wins(
    instances: list[Repositories], count: int
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
    instances: list[Repositories], count: int, is_new: bool
) -> None:
    if not is_new:
        await instances[0].phone_verifications.replace(a_phone(), PhoneVerification(), 0)
    version = (await instances[0].phone_verifications.load(a_phone())).version
    wanted = [PhoneVerification(identity_id=an_id(number)) for number in range(50)]

    won = await asyncio.gather(
        *(
            by.phone_verifications.replace(a_phone(), one, version)
            for by, one in zip(cycle(instances[:count]), wanted, strict=False)
        )
    )

    assert won.count(True) == 1
    for by in instances:
        assert (await by.phone_verifications.load(a_phone())).value == wanted[won.index(True)]


async def test_of_fifty_changes_of_one_item_by_two_instances_one_wins(
    instances: list[Repositories],
) -> None:
    await instances[0].media_items.add(an_item())
    changes = [
        *(instances[0].media_items.replace(an_item(category=str(one)), 1) for one in range(25)),
        *(instances[1].media_items.delete(an_id(), 1) for _ in range(25)),
    ]

    assert (await asyncio.gather(*changes)).count(True) == 1


async def test_of_fifty_who_want_one_name_at_two_instances_one_gets_it(
    instances: list[Repositories],
) -> None:
    outcomes = await asyncio.gather(
        *(
            by.identities.add(an_identity(id=an_id(number), user=a_user("Zoë")))
            for by, number in zip(cycle(instances), range(50), strict=False)
        ),
        return_exceptions=True,
    )

    assert outcomes.count(True) == 1
    assert sum(isinstance(one, UniqueViolation) for one in outcomes) == 49


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("limits", "sent"), [(NO_REST, 5), (DeliveryPolicy(), 1)])
async def test_two_hundred_asks_at_once_send_what_the_budget_allows(
    instances: list[Repositories], count: int, limits: DeliveryPolicy, sent: int
) -> None:
    messenger, clock = FakeMessenger(), MovableClock()
    counted = [CountedPhoneRecords(one.phone_verifications) for one in instances[:count]]
    houses = [
        House(
            records=replace(instance, phone_verifications=records),
            messenger=messenger,
            clock=clock,
            randomness=SeededRandomness(seed),
            rules=Policy(delivery_policy=limits),
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
    assert sum(isinstance(one, TooManyOtpRequests) for one in outcomes) == ASKS - sent
    assert len({message.code for message in messenger.messages}) == 1
    # A round is lost only to somebody who won it, and as many win as messages go out.
    rounds = max(max(one.rounds.values()) for one in counted)
    assert rounds <= sent + 1

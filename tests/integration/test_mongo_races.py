"""Concurrent requests for one record, through one client and through two, as of two instances."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import cycle

import pytest

from adapters.mongo import open_mongo_repositories
from adapters.mongo.database import Database
from adapters.mongo.driver import (
    close_client,
    database_of,
    location_of,
    make_client,
    timeout_seconds_of,
)
from adapters.mongo.mapping import Mappings
from adapters.mongo.repositories import Loaders, repositories_in
from application.ports.errors import UniqueViolation
from application.ports.phone_verifications import PhoneVerifications
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from application.wiring import Policy
from domain.errors import TooManyOtpRequests
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, a_session, a_user, an_id, an_identity, an_item
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.fakes.randomness import SeededRandomness

WITHOUT_COOLDOWN = replace(DeliveryPolicy(), cooldown=timedelta(0))
REQUESTS = 200


@asynccontextmanager
async def open_with_another_client(url: str) -> AsyncIterator[Repositories]:
    """The same repositories with connections of their own, for calls that do not use beanie."""
    client = make_client(url, location_of(url))
    database = Database(database_of(client), timeout_seconds_of(client))
    yield repositories_in(
        database, Loaders.of(database), FakePhoneEncryption(), Mappings.of(FakePhoneEncryption())
    )
    await close_client(client)


@pytest.fixture
async def instances(mongo_database: str) -> AsyncIterator[list[Repositories]]:
    async with (
        open_mongo_repositories(mongo_database, FakePhoneEncryption()) as first,
        open_with_another_client(mongo_database) as second,
    ):
        yield [first, second]


@dataclass(frozen=True, slots=True)
class CountingPhoneVerifications:
    """Phone verifications that count how often each task loads."""

    repository: PhoneVerifications
    loads: Counter[object] = field(default_factory=Counter)

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        self.loads[asyncio.current_task()] += 1
        return await self.repository.load(phone)

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        return await self.repository.replace(phone, verification, version)

    async def prune(self, now: object, limit: int) -> int:
        raise NotImplementedError

    async def delete_expired(self, now: object, limit: int) -> int:
        raise NotImplementedError


@pytest.mark.parametrize("count", [1, 2])
async def test_of_fifty_replacements_of_one_identity_one_wins(
    instances: list[Repositories], count: int
) -> None:
    await instances[0].identities.add(an_identity())
    identities = [an_identity(sessions=(a_session(id=an_id(number)),)) for number in range(50)]

    won = await asyncio.gather(
        *(
            instance.identities.replace(identity, 1)
            for instance, identity in zip(cycle(instances[:count]), identities, strict=False)
        )
    )

    assert won.count(True) == 1
    winner = Versioned(identities[won.index(True)], 2)
    for instance in instances:
        assert await instance.identities.load(an_id()) == winner


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("is_new", [True, False])
async def test_of_fifty_replacements_of_one_phone_verification_one_wins(
    instances: list[Repositories], count: int, is_new: bool
) -> None:
    if not is_new:
        await instances[0].phone_verifications.replace(a_phone(), PhoneVerification(), 0)
    version = (await instances[0].phone_verifications.load(a_phone())).version
    verifications = [PhoneVerification(identity_id=an_id(number)) for number in range(50)]

    won = await asyncio.gather(
        *(
            instance.phone_verifications.replace(a_phone(), verification, version)
            for instance, verification in zip(cycle(instances[:count]), verifications, strict=False)
        )
    )

    assert won.count(True) == 1
    for instance in instances:
        loaded = await instance.phone_verifications.load(a_phone())
        assert loaded.value == verifications[won.index(True)]


async def test_of_fifty_changes_of_one_item_by_two_instances_one_wins(
    instances: list[Repositories],
) -> None:
    await instances[0].media_items.add(an_item())
    changes = [
        *(instances[0].media_items.replace(an_item(category=str(n)), 1) for n in range(25)),
        *(instances[1].media_items.delete(an_id(), 1) for _ in range(25)),
    ]

    assert (await asyncio.gather(*changes)).count(True) == 1


async def test_of_fifty_identities_with_one_username_at_two_instances_one_is_added(
    instances: list[Repositories],
) -> None:
    results = await asyncio.gather(
        *(
            instance.identities.add(an_identity(id=an_id(number), user=a_user("Zoë")))
            for instance, number in zip(cycle(instances), range(50), strict=False)
        ),
        return_exceptions=True,
    )

    assert results.count(True) == 1
    assert sum(isinstance(result, UniqueViolation) for result in results) == 49


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("policy", "sent", "referred"), [(WITHOUT_COOLDOWN, 6, 0), (DeliveryPolicy(), 1, 3)]
)
async def test_two_hundred_concurrent_requests_deliver_what_the_limits_allow(
    instances: list[Repositories], count: int, policy: DeliveryPolicy, sent: int, referred: int
) -> None:
    messenger, clock = FakeMessenger(), MovableClock()
    counting = [
        CountingPhoneVerifications(instance.phone_verifications) for instance in instances[:count]
    ]
    services = [
        AppHarness(
            repositories=replace(instance, phone_verifications=verifications),
            messenger=messenger,
            clock=clock,
            randomness=SeededRandomness(seed),
            policy=Policy(delivery_policy=policy),
        )
        for seed, (verifications, instance) in enumerate(zip(counting, instances, strict=False))
    ]

    # Each from an IP of its own, so that only the limits of the phone apply.
    results = await asyncio.gather(
        *(
            service.request_otp(a_phone(), f"192.0.2.{number % 256}/{number}")
            for service, number in zip(cycle(services), range(REQUESTS), strict=False)
        ),
        return_exceptions=True,
    )

    assert len(messenger.messages) == sent
    accepted = [result for result in results if not isinstance(result, TooManyOtpRequests)]
    assert len(accepted) == sent + referred
    assert len({message.code for message in messenger.messages}) == 1
    # A request loads again only after another one has won, and as many win as are accepted.
    loads = max(max(verifications.loads.values()) for verifications in counting)
    assert loads <= sent + referred + 1

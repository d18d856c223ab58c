"""How many commands a request sends: the calls of the driver are what takes the service's time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from application.otp.verify_otp import LoggedIn
from tests.integration.mongo_support import CommandLog, RoundTrips, open_logged
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone


@dataclass(frozen=True, slots=True)
class Service:
    """The use cases over MongoDB, and what they send."""

    use_cases: AppHarness
    log: CommandLog
    round_trips: RoundTrips

    async def request_otp(self) -> None:
        await self.use_cases.request_otp()

    async def verify_otp(self, code: str | None = None) -> str | None:
        """Verify this code or the latest one; return the access token, if it is correct."""
        result = await self.use_cases.verify_otp(code or self.use_cases.messenger.messages[-1].code)
        return result.tokens.access_token if isinstance(result, LoggedIn) else None

    def costs(self) -> tuple[int, list[str]]:
        """The consecutive round trips and the commands since the last call."""
        costs = self.round_trips.count, sorted(self.log.names)
        self.round_trips.count = 0
        self.log.sent.clear()
        return costs


@pytest.fixture
async def service(mongo_database: str) -> AsyncIterator[Service]:
    round_trips = RoundTrips()
    async with open_logged(mongo_database, round_trips) as (repositories, log):
        yield Service(AppHarness(repositories=repositories), log, round_trips)


async def test_a_request_is_a_read_a_bulk_write_and_a_replacement(service: Service) -> None:
    await service.request_otp()
    assert service.costs() == (3, [*["find"] * 4, "insert", "update"])

    service.use_cases.advance(minutes=1)
    await service.request_otp()
    assert service.costs() == (3, [*["find"] * 4, "update", "update"])


async def test_a_request_within_the_cooldown_adds_its_id(service: Service) -> None:
    await service.request_otp()
    service.costs()

    await service.request_otp()
    assert service.costs() == (2, [*["find"] * 4, "update"])


async def test_a_wrong_code_is_a_read_beside_its_rate_limits_and_a_replacement(
    service: Service,
) -> None:
    await service.request_otp()
    service.costs()

    assert await service.verify_otp("000000") is None
    assert service.costs() == (2, ["find", "find", "update", "update", "update"])


async def test_a_correct_code_adds_one_round_trip_for_the_identity(service: Service) -> None:
    await service.request_otp()
    service.costs()
    assert await service.verify_otp()
    assert service.costs() == (3, [*["find"] * 3, "insert", *["update"] * 5])

    service.use_cases.advance(minutes=10)
    await service.request_otp()
    service.costs()
    assert await service.verify_otp()
    assert service.costs() == (3, [*["find"] * 3, *["update"] * 6])


async def test_an_authenticated_request_is_one_read(service: Service) -> None:
    await service.request_otp()
    token = await service.verify_otp()
    assert token
    service.costs()

    authenticated = await service.use_cases.use_cases.authenticate(token)

    assert authenticated.identity.phone == a_phone()
    assert service.costs() == (1, ["find"])

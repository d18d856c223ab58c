"""Which commands a request sends, and how many round trips to the database it waits for.

Commands of one round trip go out together. The calls of the driver are what takes the service's
time.
"""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from application.otp.log_in import LoggedIn
from tests.integration.adapters.databases.mongo.mongo_support import RoundTrips, open_lockstep
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import CLIENT_IP
from tests.support.core_harness import WEBHOOK_URLS, wrong_code

OTHER_IP = "198.51.100.99"
PERMITS = ["update"]
"""Those of all limits."""
ATTEMPT = ["find", "update"]
"""The verification, beside the permit of the IP."""
ATTEMPT_WITH_ID = ["find"]
LOGIN = [["find", "update"], ["update", "update"]]
"""The identity is loaded beside the write of the verification."""
LOGIN_BY_DEVICE_TOKEN = [["find", "find"], ["update"], ["update", "update"]]
"""The identity is that of the token."""


@dataclass(frozen=True, slots=True)
class Service:
    """The use cases over MongoDB, and their round trips."""

    app: AppHarness
    round_trips: RoundTrips

    def costs(self) -> list[list[str]]:
        """Return the commands of each round trip since the last call."""
        costs = self.round_trips.commands.copy()
        self.round_trips.commands.clear()
        return costs

    async def log_in(self) -> LoggedIn:
        """Log in, and wait until no rate limit applies."""
        await self.app.request_otp()
        result = await self.app.verify_otp(self.app.last_code, with_refresh=True)
        assert isinstance(result, LoggedIn)
        self.app.advance(hours=12)
        self.costs()
        return result


@pytest.fixture
async def service(
    emptied_mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    monkeypatch.setattr("adapters.databases.mongo.limit_store.READ_PROBABILITY", 0)
    async with open_lockstep(emptied_mongo_database) as (repositories, round_trips):
        policy = make_policy(webhook_urls=WEBHOOK_URLS)
        yield Service(AppHarness(repositories=repositories, policy=policy), round_trips)


async def test_a_request_is_a_read_the_permits_and_the_verification(service: Service) -> None:
    await service.app.request_otp()
    assert service.costs() == [["find"], PERMITS, ["insert"]]
    await service.app.request_otp()  # Within the cooldown it adds its id.
    assert service.costs() == [["find"], ["update"]]

    service.app.advance(minutes=1)
    await service.app.request_otp()
    assert service.costs() == [["find"], PERMITS, ["update"]]


async def test_a_wrong_code_is_a_read_beside_its_permits_and_a_write(service: Service) -> None:
    requested = await service.app.request_otp()
    wrong = wrong_code(service.app.last_code)
    service.costs()

    await service.app.verify_otp(wrong, request_id=requested.request_id)
    assert service.costs() == [ATTEMPT_WITH_ID, ["update"]]
    await service.app.verify_otp(wrong)
    assert service.costs() == [ATTEMPT, ["update"]]
    await service.app.verify_otp(wrong, client_ip=OTHER_IP)
    assert service.costs() == [ATTEMPT, PERMITS, ["update"]]


async def test_the_first_login_takes_three_round_trips(service: Service) -> None:
    await service.app.request_otp()
    service.costs()

    assert isinstance(await service.app.verify_otp(service.app.last_code), LoggedIn)
    # The permits are released beside the identity.
    assert service.costs() == [ATTEMPT, ["update"], ["insert", "update"]]


async def test_a_later_login_takes_three_round_trips(service: Service) -> None:
    token = (await service.log_in()).device_token

    for client_ip, has_id, has_token in itertools.product(
        (CLIENT_IP, OTHER_IP), (False, True), (False, True)
    ):
        service.app.advance(hours=12)
        requested = await service.app.request_otp()
        service.costs()
        result = await service.app.verify_otp(
            service.app.last_code,
            client_ip=client_ip,
            request_id=requested.request_id if has_id else None,
            device_token=token if has_token else None,
        )
        assert isinstance(result, LoggedIn)
        is_of_others = (client_ip, has_id) == (OTHER_IP, False)  # until this login
        attempt = [ATTEMPT_WITH_ID if has_id else ATTEMPT, *([PERMITS] if is_of_others else [])]
        assert service.costs() == (LOGIN_BY_DEVICE_TOKEN if has_token else [*attempt, *LOGIN])

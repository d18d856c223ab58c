"""The response of a refresh is lost: the client sends the previous refresh token again."""

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.app import bearer
from tests.e2e.deployments import DATABASES, Database
from tests.faults.faulty_service import Fault, FaultyService, run_faulty_service
from tests.support.plain_http import PLAIN_HTTP

REFRESH_TTL = timedelta(days=90)
ROUNDING = 60
"""Seconds that a test may take on a busy machine."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Tokens:
    access: str
    refresh: str
    refresh_expires_in: int


@dataclass(frozen=True, slots=True)
class RefreshDriver:
    """A service with faults, and a phone."""

    service: FaultyService
    http: httpx.AsyncClient
    phone: str = field(default_factory=lambda: f"+1415561{next(_numbers):04d}")

    async def log_in(self) -> Tokens:
        requested = await self.http.post("/auth/request-otp", json={"phone": self.phone})
        assert requested.json()["sent"] is True
        body = {"phone": self.phone, "otp": self.service.code(self.phone), "refresh": True}
        return _tokens(await self.http.post("/auth/verify-otp", json=body))

    async def send_refresh(self, token: str) -> httpx.Response:
        return await self.http.post("/auth/refresh", json={"refresh_token": token})

    async def refresh(self, token: str) -> Tokens:
        return _tokens(await self.send_refresh(token))

    async def lose_refresh(self, token: str, fault: Fault) -> None:
        """Refresh, and lose the response because of the fault."""
        self.service.add_fault(fault)
        try:
            response = await self.send_refresh(token)
        except httpx.TransportError:
            assert fault.kill
            self.service.kill()
            self.service.start()
        else:
            assert response.status_code == 503, response.text
        assert not self.service.has_fault

    async def is_signed_in(self, access_token: str) -> bool:
        response = await self.http.get("/auth/sessions", headers=bearer(access_token))
        assert response.status_code in (200, 401), response.text
        return response.status_code == 200

    async def assert_reused(self, token: str, current: Tokens) -> None:
        """Assert that the token revokes the session, and that the log has this."""
        events = self.count_reuses()
        assert (await self.send_refresh(token)).status_code == 401
        self.service.wait_for_log(lambda: self.count_reuses() == events + 1)
        assert not await self.is_signed_in(current.access)
        assert (await self.send_refresh(current.refresh)).status_code == 401

    def count_reuses(self) -> int:
        return self.service.log.count('"refresh_token_reused"')


def _tokens(response: httpx.Response) -> Tokens:
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return Tokens(body["access_token"], body["refresh_token"], body["refresh_expires_in"])


@pytest.fixture(scope="module", params=DATABASES, ids=lambda database: database.__name__)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultyService]:
    """One service for all tests. Each test has a phone of its own."""
    database: Database = request.param
    folder = tmp_path_factory.mktemp("service")
    with run_faulty_service(folder, database(request)) as service:
        yield service


@pytest.fixture
async def driver(service: FaultyService) -> AsyncIterator[RefreshDriver]:
    async with httpx.AsyncClient(base_url=service.url, timeout=30, **PLAIN_HTTP) as http:
        yield RefreshDriver(service, http)


@pytest.mark.parametrize("kill", [False, True], ids=["fails", "killed"])
@pytest.mark.parametrize("is_done", [False, True], ids=["not rotated", "rotated"])
async def test_a_lost_refresh_is_repeated_until_the_new_tokens_are_used(
    driver: RefreshDriver, *, is_done: bool, kill: bool
) -> None:
    first = await driver.log_in()
    reuses = driver.count_reuses()
    await driver.lose_refresh(first.refresh, Fault("identities.replace", is_done, kill))

    repeats = []
    for minutes in (0.2, 5, 20, 180):
        driver.service.advance_clock(timedelta(minutes=minutes))
        repeats.append(await driver.refresh(first.refresh))
    assert len({repeat.refresh for repeat in repeats} - {first.refresh}) == 1
    assert driver.count_reuses() == reuses
    assert await driver.is_signed_in(repeats[-1].access)

    await driver.assert_reused(first.refresh, repeats[-1])


async def test_a_repeat_after_a_kill_gets_the_refresh_token_that_was_delivered(
    driver: RefreshDriver,
) -> None:
    first = await driver.log_in()
    second = await driver.refresh(first.refresh)
    driver.service.kill()
    driver.service.start()
    driver.service.advance_clock(timedelta(minutes=5))

    assert (await driver.refresh(first.refresh)).refresh == second.refresh


async def test_the_use_of_the_new_refresh_token_ends_the_previous_one(
    driver: RefreshDriver,
) -> None:
    first = await driver.log_in()
    await driver.lose_refresh(first.refresh, Fault("identities.replace", is_done=True, kill=True))
    second = await driver.refresh(first.refresh)
    third = await driver.refresh(second.refresh)
    assert await driver.is_signed_in(third.access)

    await driver.assert_reused(first.refresh, third)


@pytest.mark.parametrize("kill", [False, True], ids=["fails", "killed"])
async def test_a_use_that_was_not_saved_does_not_end_the_previous_refresh_token(
    driver: RefreshDriver, *, kill: bool
) -> None:
    first = await driver.log_in()
    second = await driver.refresh(first.refresh)
    driver.service.advance_clock(timedelta(minutes=1))
    driver.service.add_fault(Fault("identities.replace", kill=kill))
    try:
        assert await driver.is_signed_in(second.access)
    except httpx.TransportError:
        driver.service.kill()
        driver.service.start()
    assert not driver.service.has_fault
    assert (await driver.refresh(first.refresh)).refresh == second.refresh

    assert await driver.is_signed_in(second.access)
    await driver.assert_reused(first.refresh, second)


async def test_the_previous_access_token_does_not_end_the_previous_refresh_token(
    driver: RefreshDriver,
) -> None:
    first = await driver.log_in()
    second = await driver.refresh(first.refresh)
    driver.service.advance_clock(timedelta(minutes=1))

    assert await driver.is_signed_in(first.access)
    assert (await driver.refresh(first.refresh)).refresh == second.refresh


async def test_a_repeat_extends_no_expiry(driver: RefreshDriver) -> None:
    first = await driver.log_in()
    await driver.lose_refresh(first.refresh, Fault("identities.replace", is_done=True, kill=True))
    driver.service.advance_clock(REFRESH_TTL - timedelta(days=1))

    second = await driver.refresh(first.refresh)
    left = timedelta(days=1).total_seconds()
    assert left - ROUNDING <= second.refresh_expires_in <= left

    driver.service.advance_clock(timedelta(days=1))
    for token in (first.refresh, second.refresh):
        assert (await driver.send_refresh(token)).status_code == 401


async def test_a_client_that_lost_the_response_can_log_out(driver: RefreshDriver) -> None:
    first = await driver.log_in()
    second = await driver.refresh(first.refresh)
    driver.service.advance_clock(timedelta(minutes=5))

    body = {"refresh_token": first.refresh}
    assert (await driver.http.post("/auth/logout", json=body)).status_code == 204

    assert not await driver.is_signed_in(second.access)

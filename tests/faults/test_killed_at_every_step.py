"""The service is killed (-9) between every two steps of a request, which the client repeats.

A step is a call to database, files or messenger. The unit tests do the same with every use case.
"""

import itertools
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from tests.e2e.deployments import on_mongo, on_postgres, servers
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.support.plain_http import PLAIN_HTTP


@dataclass(frozen=True, slots=True)
class KillDriver:
    """A service that is killed in the middle of a request."""

    service: FaultyService
    http: httpx.AsyncClient

    async def completes_before_kill(self, steps: int, request: Awaitable[httpx.Response]) -> bool:
        """Return whether a request has fewer steps. Otherwise the service was killed in it."""
        self.service.kill_after(steps)
        try:
            response = await request
        except httpx.TransportError:
            self.service.kill()
            self.service.keep_alive()
            self.service.start()
            return False
        self.service.keep_alive()
        assert response.is_success, response.text
        return True


@pytest.fixture(scope="module", params=[on_mongo, on_postgres], ids=lambda one: one.__name__)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultyService]:
    """A service on each database with a server, and S3."""
    with (
        servers(request, request.param) as (environ, inbox),
        run_faulty_service(tmp_path_factory.mktemp("killed"), environ, inbox) as service,
    ):
        yield service


@pytest.fixture
async def driver(service: FaultyService) -> AsyncIterator[KillDriver]:
    async with httpx.AsyncClient(base_url=service.url, **PLAIN_HTTP, timeout=30) as http:
        yield KillDriver(service, http)


async def test_a_repeated_request_after_a_kill_leads_to_a_login(driver: KillDriver) -> None:
    service, http = driver.service, driver.http
    for steps in itertools.count(1):
        phone = f"+1415559{steps:04d}"
        request = http.post("/auth/request-otp", json={"phone": phone})
        if await driver.completes_before_kill(steps, request):
            break
        repeated = await http.post("/auth/request-otp", json={"phone": phone})
        assert repeated.status_code == 200, repeated.text
        if not service.messages(phone):
            # The delivery was recorded, but its result is unknown.
            assert repeated.json()["sent"] is False
            service.advance_clock(timedelta(seconds=repeated.json()["resend_in"]))
            again = await http.post("/auth/request-otp", json={"phone": phone})
            assert again.json()["sent"] is True
        assert len(service.messages(phone)) == 1
        body = {"phone": phone, "otp": service.code(phone)}
        for is_correct in (True, False):
            verified = await http.post("/auth/verify-otp", json=body)
            assert verified.json()["success"] is is_correct, verified.text
    assert steps > 3


async def test_a_repeated_verification_after_a_kill_leads_to_a_login(driver: KillDriver) -> None:
    service, http = driver.service, driver.http
    for steps in itertools.count(1):
        phone = f"+1415557{steps:04d}"
        await http.post("/auth/request-otp", json={"phone": phone})
        body = {"phone": phone, "otp": service.code(phone)}
        if await driver.completes_before_kill(steps, http.post("/auth/verify-otp", json=body)):
            break
        verified = (await http.post("/auth/verify-otp", json=body)).json()
        if not verified["success"]:
            # The session was saved, and its response lost: a new code is sent at once.
            await http.post("/auth/request-otp", json={"phone": phone})
            body["otp"] = service.code(phone, 2)
            verified = (await http.post("/auth/verify-otp", json=body)).json()
        assert verified["success"] is True
    assert steps > 3

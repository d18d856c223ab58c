"""A write fails, or the service is killed, after a code was used: the code completes the login."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.app import bearer
from tests.e2e.deployments import DATABASES, Database
from tests.faults.faulty_service import Fault, FaultyService, run_faulty_service
from tests.faults.traffic import BEHIND_A_PROXY
from tests.support.plain_http import PLAIN_HTTP

HOME_IP = "203.0.113.1"
OTHER_IP = "198.51.100.1"
RETRIES = 20
MAIN_PATH = "/auth/verify-otp"
LEGACY_PATH = "/authenticate/validate_otp"

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class LoginDriver:
    """A service with faults, and a phone."""

    service: FaultyService
    http: httpx.AsyncClient
    phone: str = field(default_factory=lambda: f"+1415560{next(_numbers):04d}")

    async def post(
        self, path: str, body: Mapping[str, Any], client_ip: str = HOME_IP
    ) -> httpx.Response:
        headers = {"X-Forwarded-For": client_ip}
        return await self.http.post(path, json={"phone": self.phone, **body}, headers=headers)

    async def request_otp(self) -> dict[str, Any]:
        """Request a code, which is delivered; return it with the id of the request."""
        number = len(self.service.messages(self.phone)) + 1
        response = (await self.post("/auth/request-otp", {})).json()
        assert response["sent"] is True
        code = await asyncio.to_thread(self.service.code, self.phone, number)
        return {"otp": code, "request_id": response["request_id"]}

    async def log_in(self) -> dict[str, Any]:
        tokens: dict[str, Any] = (await self.post(MAIN_PATH, await self.request_otp())).json()
        assert tokens["success"] is True
        self.service.advance_clock(timedelta(hours=1))
        return tokens

    async def fail(
        self, fault: Fault, body: Mapping[str, Any], path: str = MAIN_PATH, ip: str = HOME_IP
    ) -> None:
        """Send the code, and lose the response because of the fault."""
        self.service.add_fault(fault)
        try:
            response = await self.post(path, body, ip)
        except httpx.TransportError:
            assert fault.kill
            self.service.kill()
            self.service.start()
        else:
            assert response.status_code == (500 if path == LEGACY_PATH else 503), response.text
        assert not self.service.has_fault

    async def is_correct(
        self, body: Mapping[str, Any], path: str = MAIN_PATH, ip: str = HOME_IP
    ) -> bool:
        """Return whether a code gets a token that works."""
        response = await self.post(path, body, ip)
        if "access_token" not in response.json():
            assert response.status_code == (403 if path == LEGACY_PATH else 200), response.text
            return False
        assert await self.count_sessions(response.json()["access_token"]) > 0
        return True

    async def count_sessions(self, token: str) -> int:
        response = await self.http.get("/auth/sessions", headers=bearer(token))
        assert response.status_code == 200, response.text
        return len(response.json()["sessions"])


@pytest.fixture(scope="module", params=DATABASES, ids=lambda database: database.__name__)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultyService]:
    """One service for all tests. Each test has a phone of its own."""
    database: Database = request.param
    environ = {**BEHIND_A_PROXY, **database(request)}
    with run_faulty_service(tmp_path_factory.mktemp("service"), environ) as service:
        yield service


@pytest.fixture
async def driver(service: FaultyService) -> AsyncIterator[LoginDriver]:
    async with httpx.AsyncClient(base_url=service.url, timeout=30, **PLAIN_HTTP) as http:
        yield LoginDriver(service, http)


@pytest.mark.parametrize("kill", [False, True], ids=["fails", "killed"])
@pytest.mark.parametrize(
    ("operation", "is_done"),
    [
        ("phone_verifications.replace", False),
        ("phone_verifications.replace", True),
        ("identities.add", False),
        ("identities.replace", False),
    ],
    ids=["code not used", "code used", "no identity", "no session"],
)
async def test_the_same_code_completes_a_login_whose_session_was_not_saved(
    driver: LoginDriver, operation: str, *, is_done: bool, kill: bool
) -> None:
    if operation == "identities.replace":
        await driver.log_in()
    code = await driver.request_otp()
    await driver.fail(Fault(operation, is_done, kill), code)
    driver.service.advance_clock(timedelta(minutes=2))

    tokens = (await driver.post(MAIN_PATH, code)).json()

    assert tokens["success"] is True
    assert await driver.count_sessions(tokens["access_token"]) == 1 + (
        operation == "identities.replace"
    )
    assert not await driver.is_correct(code)


async def test_every_kind_of_client_can_complete_its_login(driver: LoginDriver) -> None:
    device_token = (await driver.log_in())["device_token"]
    clients: list[tuple[str, set[str], dict[str, str], str]] = [
        (MAIN_PATH, {"otp"}, {}, HOME_IP),
        (LEGACY_PATH, {"otp"}, {}, HOME_IP),
        (MAIN_PATH, {"otp", "request_id"}, {}, OTHER_IP),
        (MAIN_PATH, {"otp"}, {"device_token": device_token}, OTHER_IP),
    ]
    for path, fields, more, retry_ip in clients:
        requested = await driver.request_otp()
        body = {name: requested[name] for name in fields} | more
        await driver.fail(Fault("identities.replace"), body, path)

        assert await driver.is_correct(body, path, retry_ip), body
        assert not await driver.is_correct(body, path, retry_ip), body
        driver.service.advance_clock(timedelta(hours=1))


@pytest.mark.parametrize("kill", [False, True], ids=["fails", "killed"])
async def test_a_new_code_is_sent_at_once_if_only_the_response_was_lost(
    driver: LoginDriver, *, kill: bool
) -> None:
    code = await driver.request_otp()
    await driver.fail(Fault("identities.add", is_done=True, kill=kill), code)

    assert not await driver.is_correct(code)
    tokens = (await driver.post(MAIN_PATH, await driver.request_otp())).json()
    assert await driver.count_sessions(tokens["access_token"]) == 2


async def test_one_of_many_retries_at_once_gets_tokens(driver: LoginDriver) -> None:
    code = await driver.request_otp()
    await driver.fail(Fault("identities.add"), code)

    retries = [driver.post(MAIN_PATH, code) for _ in range(RETRIES)]
    responses = [response.json() for response in await asyncio.gather(*retries)]

    tokens = [response["access_token"] for response in responses if response["success"]]
    assert len(tokens) == 1
    assert await driver.count_sessions(tokens[0]) == 1


async def test_a_stranger_with_the_code_cannot_complete_the_login(driver: LoginDriver) -> None:
    requested = await driver.request_otp()
    code = {"otp": requested["otp"]}
    await driver.fail(Fault("identities.add"), code)

    assert not await driver.is_correct(code, ip=OTHER_IP)
    assert not await driver.is_correct({**code, "request_id": "0" * 32}, ip=OTHER_IP)
    assert await driver.is_correct(code)


async def test_the_code_completes_no_login_of_a_deleted_identity(driver: LoginDriver) -> None:
    headers = bearer((await driver.log_in())["access_token"])
    code = await driver.request_otp()
    await driver.fail(Fault("identities.replace"), code)
    assert (await driver.http.delete("/users/me", headers=headers)).status_code == 204

    assert not await driver.is_correct(code)
    assert await driver.is_correct(await driver.request_otp())


async def test_the_code_completes_no_login_of_a_blocked_phone(driver: LoginDriver) -> None:
    code = await driver.request_otp()
    await driver.fail(Fault("identities.add"), code)
    blocked = driver.service.run("block", driver.phone)
    assert blocked.returncode == 0, blocked.stderr

    assert not await driver.is_correct(code)

"""The service is killed (-9) between every two steps of a request, which the client repeats.

A step is a call to database, files or messenger. The unit tests do the same with every use case.
"""

import itertools
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx
import pytest

from tests.e2e.deployments import on_mongo, on_postgres, servers
from tests.faults.faulty_service import Fault, FaultyService, run_faulty_service
from tests.support.plain_http import PLAIN_HTTP

KILLED_CHANGES: Final = (
    Fault("audit_log.add", kill=True),
    Fault("identities.replace", is_done=True, kill=True),  # the change has begun
    Fault("identities.replace_phone", kill=True),  # the new number points to the identity
    Fault("identities.replace_phone", is_done=True, kill=True),
    Fault("messenger.send", kill=True),  # the former number is released
    Fault("messenger.send", is_done=True, kill=True),
)
"""The calls in which the change of a number is killed."""
KILLED_DISOWNS: Final = (
    Fault("audit_log.add", kill=True),
    Fault("identities.replace", is_done=True, kill=True),  # it has begun
    Fault("identities.replace_phone", kill=True),  # the former number points to the identity
    Fault("identities.replace_phone", is_done=True, kill=True),  # the session has ended
    Fault("messenger.send", kill=True),  # the number is free
)
"""The calls in which a disown is killed."""


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


@pytest.mark.parametrize("is_repeated", [True, False], ids=["by a retry", "by the cleanup"])
async def test_a_change_of_the_number_is_completed_after_a_kill(
    driver: KillDriver, is_repeated: bool
) -> None:
    """It is killed after each write, of which the unit tests know more."""
    service, http, changed = driver.service, driver.http, []
    for number, fault in enumerate(KILLED_CHANGES, start=100 * is_repeated):
        old, new = f"+1415555{number:04d}", f"+1415556{number:04d}"
        user_id, headers = await create_user(driver, old, f"Somebody {number}")
        body = await request_change(driver, new, headers)
        service.add_fault(fault)
        with pytest.raises(httpx.TransportError):
            await http.post("/users/me/phone", json=body, headers=headers)
        service.kill()
        service.start()
        if is_repeated:
            repeated = await http.post("/users/me/phone", json=body, headers=headers)
            assert repeated.status_code == 200, repeated.text
        else:
            service.advance_clock(timedelta(minutes=3))
            assert service.run("cleanup").returncode == 0
        shown = (await http.get("/users/me", headers=headers)).json()
        has_begun = is_repeated or fault.operation != "audit_log.add"
        assert (shown["_id"], shown["number"]) == (user_id, new if has_begun else old)
        if has_begun:
            service.advance_clock(timedelta(minutes=1))
            assert (await sign_in(driver, new)).json()["user_id"] == user_id
            assert (await sign_in(driver, old)).json()["code"] == "number_was_changed"
            changed.append(old)
    service.advance_clock(timedelta(minutes=3))
    assert service.run("cleanup").returncode == 0
    for old in changed:
        assert any("another phone number" in text for text in service.texts(old))
        assert any(
            "Not yours?" in text for text in service.texts(old.replace("+1415555", "+1415556"))
        )


async def test_a_disown_is_completed_after_a_kill(driver: KillDriver) -> None:
    service, http = driver.service, driver.http
    for number, fault in enumerate(KILLED_DISOWNS, start=200):
        old, new = f"+1415555{number:04d}", f"+1415556{number:04d}"
        user_id, headers = await create_user(driver, old, f"Somebody {number}")
        body = await request_change(driver, new, headers)
        changed = await http.post("/users/me/phone", json=body, headers=headers)
        assert changed.status_code == 200, changed.text
        service.advance_clock(timedelta(minutes=1))
        hers = (await sign_in(driver, new)).json()
        of_hers = {"Authorization": f"Bearer {hers['access_token']}"}
        service.add_fault(fault)
        with pytest.raises(httpx.TransportError):
            await http.post("/users/me/phone/disown", headers=of_hers)
        service.kill()
        service.start()
        repeated = await http.post("/users/me/phone/disown", headers=of_hers)
        assert repeated.status_code in (200, 401), repeated.text
        service.advance_clock(timedelta(minutes=3))
        assert service.run("cleanup").returncode == 0
        shown = (await http.get("/users/me", headers=headers)).json()
        assert (shown["_id"], shown["number"]) == (user_id, old)
        assert (await sign_in(driver, new)).json()["user_id"] != user_id
        assert (await sign_in(driver, old)).json()["user_id"] == user_id


async def create_user(driver: KillDriver, phone: str, name: str) -> tuple[str, dict[str, str]]:
    """Sign in and create a user. Return the id, and the header with the access token."""
    signed_in = (await sign_in(driver, phone)).json()
    headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
    user = {"username": name, "number": phone}
    created = await driver.http.post("/users", json=user, headers=headers)
    assert created.status_code == 201, created.text
    return signed_in["user_id"], headers


async def sign_in(driver: KillDriver, phone: str) -> httpx.Response:
    number = len(driver.service.messages(phone)) + 1
    requested = await driver.http.post("/auth/request-otp", json={"phone": phone})
    assert requested.status_code == 200, requested.text
    body = {"phone": phone, "otp": driver.service.code(phone, number)}
    return await driver.http.post("/auth/verify-otp", json=body)


async def request_change(driver: KillDriver, phone: str, headers: dict[str, str]) -> dict[str, str]:
    path = "/users/me/phone/request-otp"
    requested = await driver.http.post(path, json={"phone": phone}, headers=headers)
    request_id = requested.json()["request_id"]
    return {"phone": phone, "otp": driver.service.code(phone), "request_id": request_id}

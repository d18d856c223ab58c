"""The service is killed in a login, a refresh or a change of the number, which goes on later.

The unit tests interrupt each of them at each of its calls (`test_repeated_logins.py`,
`test_interrupted_changes.py`, `test_disown_phone.py`). These tests prove that a process that starts
needs nothing from the memory of the one before.
"""

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.app import bearer
from tests.faults.faulty_service import Fault, FaultyService, run_faulty_service
from tests.support.plain_http import PLAIN_HTTP

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Client:
    """A service with faults, and a phone."""

    service: FaultyService
    http: httpx.AsyncClient
    phone: str = field(default_factory=lambda: f"+1415560{next(_numbers):04d}")

    async def post(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return await self.http.post(path, json=body, headers=headers)

    async def request_otp(self) -> dict[str, Any]:
        """Request a code, which is delivered."""
        number = len(self.service.messages(self.phone)) + 1
        assert (await self.post("/auth/request-otp", {"phone": self.phone})).json()["sent"] is True
        otp = self.service.code(self.phone, number)
        return {"phone": self.phone, "otp": otp, "refresh": True}

    async def log_in(self) -> dict[str, Any]:
        tokens: dict[str, Any] = (await self.verify(await self.request_otp())).json()
        assert tokens["success"] is True
        self.service.advance_clock(timedelta(hours=1))
        return tokens

    async def verify(self, body: Mapping[str, Any]) -> httpx.Response:
        return await self.post("/auth/verify-otp", body)

    async def refresh(self, tokens: Mapping[str, Any]) -> httpx.Response:
        body = {"refresh_token": tokens["refresh_token"]}
        return await self.post("/auth/refresh", body)

    async def kill_in(
        self,
        operation: str,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a request in which the service is killed, before or after this operation."""
        name, _, done = operation.partition(" ")
        self.service.add_fault(Fault(name, is_done=bool(done), kill=True))
        with pytest.raises(httpx.TransportError):
            await self.post(path, body, headers)
        self.service.kill()
        assert not self.service.has_fault
        self.service.start()

    async def count_sessions(self, tokens: Mapping[str, Any]) -> int:
        response = await self.http.get("/auth/sessions", headers=bearer(tokens["access_token"]))
        assert response.status_code in (200, 401), response.text
        return len(response.json().get("sessions", ()))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyService]:
    """One service for all tests. Each test has a phone of its own."""
    with run_faulty_service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
async def client(service: FaultyService) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=service.url, timeout=30, **PLAIN_HTTP) as http:
        yield Client(service, http)


@pytest.mark.parametrize(
    "operation", ["phone_verifications.save done", "identities.add", "identities.replace"]
)
async def test_the_same_code_completes_a_login_whose_session_was_not_saved(
    client: Client, operation: str
) -> None:
    is_known = operation == "identities.replace"
    if is_known:
        await client.log_in()
    code = await client.request_otp()
    await client.kill_in(operation, "/auth/verify-otp", code)
    client.service.advance_clock(timedelta(minutes=2))

    tokens = (await client.verify(code)).json()

    assert tokens["success"] is True
    assert await client.count_sessions(tokens) == 1 + is_known
    assert (await client.verify(code)).json()["success"] is False


async def test_a_new_code_is_sent_at_once_if_only_the_response_was_lost(client: Client) -> None:
    code = await client.request_otp()
    await client.kill_in("identities.add done", "/auth/verify-otp", code)

    assert (await client.verify(code)).json()["success"] is False
    tokens = (await client.verify(await client.request_otp())).json()
    assert await client.count_sessions(tokens) == 2


async def test_a_lost_refresh_can_be_repeated_until_the_new_token_is_used(client: Client) -> None:
    first = await client.log_in()
    body = {"refresh_token": first["refresh_token"]}
    await client.kill_in("identities.replace done", "/auth/refresh", body)

    repeats = []
    for minutes in (0.2, 5, 180):
        client.service.advance_clock(timedelta(minutes=minutes))
        repeats.append((await client.refresh(first)).json())
    assert len({repeat["refresh_token"] for repeat in repeats} - {first["refresh_token"]}) == 3
    client.service.advance_clock(timedelta(minutes=5))
    assert await client.count_sessions(repeats[-1]) == 1

    assert (await client.refresh(first)).status_code == 401
    client.service.wait_until_logged("refresh_token_reused")
    assert await client.count_sessions(repeats[-1]) == 0


@pytest.mark.parametrize("operation", ["messenger.send", "messenger.send done"])
async def test_after_a_lost_delivery_one_code_arrives_and_signs_in(
    client: Client, operation: str
) -> None:
    body = {"phone": client.phone}
    await client.kill_in(operation, "/auth/request-otp", body)

    repeated = (await client.post("/auth/request-otp", body)).json()
    # The delivery was recorded, and its result is unknown.
    assert repeated["sent"] is False
    if operation == "messenger.send":
        client.service.advance_clock(timedelta(seconds=repeated["resend_in"]))
        assert (await client.post("/auth/request-otp", body)).json()["sent"] is True
    code = {**body, "otp": client.service.code(client.phone)}
    for is_correct in (True, False):
        assert (await client.verify(code)).json()["success"] is is_correct
    assert len(client.service.messages(client.phone)) == 1


async def test_the_cleanup_completes_a_change_of_the_number_after_a_kill(client: Client) -> None:
    service, new = client.service, client.phone.replace("+1415560", "+1415561")
    tokens = (await client.verify(await client.request_otp())).json()
    headers = bearer(tokens["access_token"])
    user = {"username": f"user {client.phone}", "number": client.phone}
    user_id = (await client.post("/users", user, headers)).json()["user_id"]
    requested = await client.post("/users/me/phone/request-otp", {"phone": new}, headers)
    request_id = requested.json()["request_id"]
    body = {"phone": new, "otp": service.code(new), "request_id": request_id}

    await client.kill_in("identities.replace_phone", "/users/me/phone", body, headers)
    service.advance_clock(timedelta(minutes=3))
    assert service.run("cleanup").returncode == 0

    shown = (await client.http.get("/users/me", headers=headers)).json()
    assert (shown["_id"], shown["number"]) == (user_id, new)

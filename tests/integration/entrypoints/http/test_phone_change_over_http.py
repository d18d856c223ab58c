"""A change of the phone number, as apps send it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from domain.otp.challenge import parse_otp_code
from domain.otp.fixed_codes import FixedCode, FixedCodes
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.client import bearer
from tests.support.core_harness import wrong_code
from tests.support.http_app import open_http_client

OLD: Final = a_phone(1)
NEW: Final = a_phone(2)
FIXED_CODE_PHONE: Final = a_phone(3)
REQUEST: Final = "/users/me/phone/request-otp"
CHANGE: Final = "/users/me/phone"


@dataclass(frozen=True, slots=True)
class Client:
    """An app, whose user has just signed in with the old number."""

    harness: AppHarness
    http: httpx.AsyncClient
    token: str

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.http.post(path, json=body, headers=bearer(self.token))

    async def request_code(self, body: dict[str, str]) -> tuple[str, str]:
        """Request a code, and return it with its request id."""
        requested = await self.post(REQUEST, body)
        assert requested.status_code == 200, requested.text
        return self.harness.last_code, requested.json()["request_id"]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    fixed_codes = FixedCodes((FixedCode(FIXED_CODE_PHONE, parse_otp_code("424242")),))
    harness = AppHarness(policy=make_policy(fixed_codes=fixed_codes))
    await harness.add_user(OLD)
    token = await harness.access_token(OLD)
    harness.advance(minutes=1)
    async with open_http_client(harness.use_cases) as http:
        yield Client(harness, http, token)


async def test_a_number_is_changed_by_the_codes_of_both(client: Client) -> None:
    code, request_id = await client.request_code({"phone": NEW.e164})
    body = {"phone": NEW.e164, "otp": code, "request_id": request_id}
    rejected = await client.post(CHANGE, body)
    assert (rejected.status_code, rejected.json()["code"]) == (403, "reauthentication_required")
    for part in ("old_otp", "old_request_id", "target old"):
        assert part in rejected.json()["error"]

    old, old_request_id = await client.request_code({"target": "old"})
    body |= {"old_otp": old, "old_request_id": old_request_id}
    for field in ("old_otp", "otp"):
        wrong = await client.post(CHANGE, body | {field: wrong_code(body[field])})
        assert (wrong.status_code, wrong.json()) == (
            403,
            {"error": "Invalid OTP", "code": "invalid_otp", "field": field, "attempts_left": 4},
        )
    changed = await client.post(CHANGE, body)
    me = await client.http.get("/users/me", headers=bearer(client.token))
    assert (changed.status_code, changed.json()) == (200, me.json())
    assert me.json()["number"] == NEW.e164
    again = await client.post(CHANGE, body)
    assert (again.status_code, again.json()) == (200, me.json())

"""Passkeys of users, as apps send them. Each response is as it is described."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import jwt
import pytest

from tests.support.app_harness import PASSKEY_ORIGIN, AppHarness
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.builders import a_phone
from tests.support.client import bearer
from tests.support.http_app import open_http_client

OWN: Final = "/users/me/passkeys"
SIGN_IN: Final = "/auth/passkey"
PHONE: Final = a_phone(2)


@dataclass
class App:
    """An app on one device, whose user has just signed in by a code."""

    harness: AppHarness
    http: httpx.AsyncClient
    token: str
    device: SoftwareAuthenticator = field(
        default_factory=lambda: SoftwareAuthenticator(PASSKEY_ORIGIN)
    )

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        return await self.http.post(path, json=body, headers=bearer(self.token))

    async def add(self, **fields: str) -> httpx.Response:
        options = (await self.post(f"{OWN}/options")).json()["publicKey"]
        credential = json.loads(self.device.create(json.dumps(options)))
        return await self.post(OWN, {"credential": credential, **fields})

    async def sign_in(self, **fields: str) -> httpx.Response:
        options = (await self.http.post(f"{SIGN_IN}/options")).json()["publicKey"]
        credential = json.loads(self.device.get(json.dumps(options)))
        return await self.http.post(SIGN_IN, json={"credential": credential, **fields})


@pytest.fixture
async def app() -> AsyncIterator[App]:
    harness = AppHarness()
    await harness.add_user(PHONE)
    token = await harness.access_token(PHONE)
    async with open_http_client(harness.use_cases) as http:
        yield App(harness, http, token)


async def test_a_passkey_is_added_used_listed_and_removed(app: App) -> None:
    added = await app.add(name="phone")
    assert (added.status_code, added.json()["name"]) == (201, "phone")
    app.harness.advance(hours=1)
    signed_in = (await app.sign_in(device="Pixel 9")).json()
    assert (signed_in["success"], signed_in["username"]) == (True, "Rahul Sharma")
    assert {*signed_in} >= {"refresh_token", "device_token"}
    app.token = signed_in["access_token"]
    payload = jwt.decode(app.token, options={"verify_signature": False})
    assert payload["amr"] == ["passkey"]
    sessions = (await app.http.get("/auth/sessions", headers=bearer(app.token))).json()["sessions"]
    methods = {session["device"]: session["amr"] for session in sessions}
    assert (methods["Pixel 9"], sessions[-1]["amr"]) == (["passkey"], ["otp"])
    (listed,) = (await app.http.get(OWN, headers=bearer(app.token))).json()["passkeys"]
    assert listed["last_used_at"] is not None
    path = f"{OWN}/{listed['id']}"
    assert (await app.http.delete(path, headers=bearer(app.token))).status_code == 204
    assert (await app.http.delete(path, headers=bearer(app.token))).status_code == 404
    rejected = await app.sign_in()
    assert (rejected.status_code, rejected.json()["code"]) == (403, "passkey_rejected")


async def test_errors_name_the_way_out(app: App) -> None:
    assert (await app.http.post(f"{OWN}/options")).status_code == 401
    unnamed = await app.add(name="\n")
    assert (unnamed.status_code, [*unnamed.json()["errors"]]) == (400, ["name"])
    unusable = await app.post(OWN, {"credential": {}})
    assert (unusable.status_code, unusable.json()["code"]) == (403, "passkey_rejected")
    assert "removed" not in unusable.json()["error"]
    await app.add(name="phone")
    same = await app.add(name="phone")
    assert (same.status_code, same.json()["field_errors"][0]["code"]) == (400, "conflicting_value")
    for body in ({}, {"credential": "text"}, {"credential": {}, "phone": "1"}):
        assert (await app.http.post(SIGN_IN, json=body)).status_code == 400
    empty = await app.http.post(SIGN_IN, json={"credential": {}})
    assert (empty.status_code, empty.json()["code"]) == (403, "passkey_rejected")
    app.device.sign_count = -1
    fell = await app.sign_in()
    assert (fell.status_code, fell.json()["code"]) == (403, "passkey_count_fell")
    assert "Sign in with a code" in fell.json()["error"]
    app.harness.advance(minutes=15)
    late = await app.post(f"{OWN}/options")
    assert (late.status_code, late.json()["code"]) == (403, "reauthentication_required")


async def test_a_blocked_account_and_a_used_answer_have_codes_of_their_own(app: App) -> None:
    await app.add()
    options = (await app.http.post(f"{SIGN_IN}/options")).json()["publicKey"]
    body = {"credential": json.loads(app.device.get(json.dumps(options)))}
    await app.harness.identities.operator_actions.block(PHONE)
    codes = [(await app.http.post(SIGN_IN, json=body)).json()["code"] for _ in range(2)]
    assert codes == ["account_blocked", "challenge_not_valid"]

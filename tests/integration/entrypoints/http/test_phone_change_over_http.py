"""A change of the phone number, its undo and a disown, as apps send them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from adapters.security.attestation.altcha import AltchaAttestation
from domain.otp.challenge import parse_otp_code
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.client import bearer
from tests.support.core_harness import wrong_code
from tests.support.http_app import open_http_client
from tests.support.keys import FakeKeyRing

OLD: Final = a_phone(1)
NEW: Final = a_phone(2)
TEST_PHONE: Final = a_phone(3)
REQUEST: Final = "/users/me/phone/request-otp"
CHANGE: Final = "/users/me/phone"
REQUEST_UNDO: Final = "/auth/undo-phone-change/request-otp"
UNDO: Final = "/auth/undo-phone-change"
DISOWN: Final = "/users/me/phone/disown"
UNDONE: Final = {"success": True, "message": "Phone change undone"}


@dataclass(frozen=True, slots=True)
class Client:
    """An app, whose user has just signed in with the old number."""

    harness: AppHarness
    http: httpx.AsyncClient
    token: str

    async def post(self, path: str, body: Any, token: str = "") -> httpx.Response:
        return await self.http.post(path, json=body, headers=bearer(token) if token else None)

    async def request_code(self, path: str, phone: PhoneNumber, token: str = "") -> dict[str, str]:
        """Request a code for a number."""
        requested = await self.post(path, {"phone": phone.e164}, token)
        assert requested.status_code == 200, requested.text
        request_id = requested.json()["request_id"]
        return {"phone": phone.e164, "otp": self.harness.last_code, "request_id": request_id}

    async def change(self) -> httpx.Response:
        """Change to the new number."""
        code = await self.request_code(REQUEST, NEW, self.token)
        return await self.post(CHANGE, code, self.token)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    limits = RateLimits(per_country=SlidingWindow(20, timedelta(hours=1)), has_attested_part=True)
    test_otps = TestOtps((TestOtp(TEST_PHONE, parse_otp_code("424242")),))
    policy = make_policy(rate_limits=limits, test_otps=test_otps)
    harness = AppHarness(policy=policy, attestation=AltchaAttestation(FakeKeyRing(), 1))
    await harness.add_user(OLD)
    token = await harness.access_token(OLD)
    async with open_http_client(harness.use_cases) as http:
        yield Client(harness, http, token)


async def test_a_number_is_changed_and_the_former_one_undoes_it(client: Client) -> None:
    code = await client.request_code(REQUEST, NEW, client.token)
    wrong = await client.post(CHANGE, code | {"otp": wrong_code(code["otp"])}, client.token)
    assert (wrong.status_code, wrong.json()) == (
        403,
        {"error": "Invalid OTP", "code": "invalid_otp", "field": "otp", "attempts_left": 4},
    )
    changed = await client.post(CHANGE, code, client.token)
    me = await client.http.get("/users/me", headers=bearer(client.token))
    assert (changed.status_code, changed.json()) == (200, me.json())
    assert me.json()["number"] == NEW.e164

    client.harness.advance(hours=1)
    sign_in = await client.request_code("/auth/request-otp", OLD)
    held = await client.post("/auth/verify-otp", sign_in)
    assert (held.status_code, held.json()["code"]) == (409, "number_was_changed")
    assert UNDO in held.json()["error"]

    client.harness.advance(hours=1)
    undo = await client.request_code(REQUEST_UNDO, OLD)
    undone = await client.post(UNDO, undo)
    assert (undone.status_code, undone.json()) == (200, UNDONE)
    assert (await client.http.get("/users/me", headers=bearer(client.token))).status_code == 401
    token = await client.harness.access_token(OLD)
    forbidden = await client.post(REQUEST, {"phone": NEW.e164}, token)
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "phone_change_forbidden")
    assert forbidden.headers["retry-after"] == str(forbidden.json()["retry_after"])


async def test_the_code_of_the_message_undoes_a_change(client: Client) -> None:
    await client.change()
    phone, text = client.harness.messenger.messages[-1]
    assert phone == OLD
    code = text.rpartition(" ")[2]

    for method in ("GET", "HEAD"):  # as the preview of a link does
        url = f"{UNDO}?phone={OLD.e164[1:]}&undo_code={code}"
        assert (await client.http.request(method, url)).status_code == 405
    wrong = await client.post(UNDO, {"phone": OLD.e164, "undo_code": "ABCD-EFGH-JKLM"})
    assert (wrong.status_code, wrong.json()) == (
        403,
        {"error": "Invalid OTP", "code": "invalid_otp", "field": "undo_code"},
    )
    typed = {"phone": OLD.e164, "undo_code": f" {code.lower().replace('-', ' ')}"}
    undone = await client.post(UNDO, typed)
    assert (undone.status_code, undone.json()) == (200, UNDONE)


async def test_an_undo_asks_for_a_proof_in_a_flood(client: Client) -> None:
    for number in range(9):
        phone = f"+1415{600 + number // 3}{3000 + number}"
        headers = {"X-Forwarded-For": f"198.18.{number // 3}.{number}"}
        await client.http.post("/auth/request-otp", json={"phone": phone}, headers=headers)
    body = {"phone": a_phone(5).e164}
    assert (await client.post(REQUEST_UNDO, body)).status_code == 429
    asked = await client.post(REQUEST_UNDO, body | {"attestation": {}})
    assert (asked.status_code, asked.json()["code"]) == (403, "attestation_required")


async def test_after_15_minutes_a_change_needs_a_code_of_the_present_number(
    client: Client,
) -> None:
    client.harness.advance(minutes=15, seconds=1)
    code = await client.request_code(REQUEST, NEW, client.token)
    rejected = await client.post(CHANGE, code, client.token)
    assert (rejected.status_code, rejected.json()["code"]) == (403, "reauthentication_required")
    assert "old_otp" in rejected.json()["error"]

    requested = await client.post(REQUEST, {"target": "old"}, client.token)
    old = client.harness.last_code
    both = code | {"old_otp": old, "old_request_id": requested.json()["request_id"]}
    rejected = await client.post(CHANGE, both | {"old_otp": wrong_code(old)}, client.token)
    assert (rejected.status_code, rejected.json()["field"]) == (403, "old_otp")
    changed = await client.post(CHANGE, both, client.token)
    assert (changed.status_code, changed.json()["number"]) == (200, NEW.e164)


async def test_a_number_that_was_given_away_disowns_the_account(client: Client) -> None:
    await client.change()
    kept = await client.post(DISOWN, {}, client.token)
    assert (kept.status_code, kept.json()["code"]) == (403, "reauthentication_required")

    token = await client.harness.access_token(NEW)
    disowned = await client.http.post(DISOWN, headers=bearer(token))
    assert disowned.status_code == 200
    assert disowned.json() == {"success": True, "message": "Phone disowned"}
    me = await client.http.get("/users/me", headers=bearer(client.token))
    assert me.json()["number"] == OLD.e164

    await client.harness.add_user(NEW, "Owner of the number")
    nothing = await client.post(DISOWN, {}, await client.harness.access_token(NEW))
    assert (nothing.status_code, nothing.json()["code"]) == (409, "disown_not_possible")


async def test_a_test_number_is_an_error_of_its_field(client: Client) -> None:
    for path, codes in ((REQUEST, {}), (CHANGE, {"otp": "424242", "request_id": "0"})):
        rejected = await client.post(path, {"phone": TEST_PHONE.e164} | codes, client.token)
        [error] = rejected.json()["field_errors"]
        assert (error["field"], error["code"]) == ("phone", "conflicting_value")

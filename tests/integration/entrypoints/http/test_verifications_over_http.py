"""Verifications over HTTP, for a backend with a service token."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.administration.scopes import Scope
from tests.integration.entrypoints.http.administration import (
    STRANGER,
    AdminDriver,
    open_admin_driver,
)
from tests.support.client import bearer
from tests.support.core_harness import wrong_code

REQUEST = {"phone": STRANGER.e164, "client_ip": "8.8.8.8"}


@pytest.fixture
async def driver() -> AsyncIterator[AdminDriver]:
    async with open_admin_driver() as opened:
        yield opened


async def post(driver: AdminDriver, token: str, path: str = "", **body: Any) -> Any:
    return await driver.http.post(f"/admin/verifications{path}", json=body, headers=bearer(token))


async def test_a_backend_requests_a_code_and_checks_it(driver: AdminDriver) -> None:
    token = await driver.make_token(Scope.VERIFY_PHONES)
    sent = await post(driver, token, **REQUEST, locale="de", platform="android", app_hash="x")
    body = sent.json()
    assert sent.status_code == 201
    assert body == {
        "id": body["id"],
        "sent": True,
        "channels": ["sms", "voice"],
        "expires_in": 300,
        "resend_in": 15,
    }
    status = await driver.http.get(sent.headers["location"])
    assert status.json() == {"status": "queued"}
    joined = await post(driver, token, **REQUEST)
    assert (joined.status_code, joined.json()["sent"]) == (200, False)
    code = driver.harness.last_code
    checked = {"phone": STRANGER.e164, "id": body["id"]}
    wrong = await post(driver, token, "/check", **checked, code=wrong_code(code))
    assert (wrong.status_code, wrong.json()) == (200, {"status": "pending", "attempts_left": 4})
    for _ in range(2):
        right = await post(driver, token, "/check", **checked, code=f"{code[:3]} {code[3:]}")
        assert right.json() == {"status": "approved", "attempts_left": 0}
    other = await driver.make_token(Scope.VERIFY_PHONES)
    unknown = await post(driver, other, "/check", **checked, code=code)
    assert unknown.json() == {"status": "expired", "attempts_left": 0}


async def test_only_a_token_that_was_given_the_scope_may(driver: AdminDriver) -> None:
    of_role = await driver.make_token(*[scope for scope in Scope if scope != "verifications:write"])
    for token, code in (
        (of_role, "insufficient_scope"),
        (driver.administrator, "forbidden"),
        (driver.user, "forbidden"),
    ):
        response = await post(driver, token, **REQUEST)
        assert (response.status_code, response.json()["code"]) == (403, code)
    assert driver.acts == []


async def test_all_wrong_fields_are_named_at_once(driver: AdminDriver) -> None:
    token = await driver.make_token(Scope.VERIFY_PHONES)
    response = await post(driver, token, phone="1", client_ip="::1%", channel="pigeon")
    assert [*response.json()["errors"]] == [
        "phone",
        "client_ip",
        "channel",
    ]
    missing = await post(driver, token, phone=STRANGER.e164)
    assert [*missing.json()["errors"]] == ["client_ip"]
    extra = await post(driver, token, **REQUEST, device_token="x")
    assert extra.status_code == 400
    malformed = await post(driver, token, "/check", phone=STRANGER.e164, id="1", code="12")
    assert [*malformed.json()["errors"]] == ["code"]

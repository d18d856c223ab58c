"""A proof instead of a 429, in two services with one database, over HTTP as apps send it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.app import App, bearer
from tests.e2e.deployments import DATABASES, Database
from tests.support.altcha_client import solve_challenge
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP

REQUEST: Final = "/auth/request-otp"
CHANGE: Final = "/users/me/phone/request-otp"
UNDO: Final = "/auth/undo-phone-change/request-otp"
SETTINGS: Final = {
    "DIALTONE_ATTESTATION": "altcha",
    "DIALTONE_ATTESTATION_DIFFICULTY": "5",
    # Strangers have 9, each network and number range 3; proofs have 3, a network or range 2.
    "DIALTONE_SMS_LIMIT_PER_COUNTRY": "20/1h",
    "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
}
PHONE: Final = "+14155559000"
CUSTOMER_IP: Final = "203.0.113.7"


@pytest.fixture(params=DATABASES, ids=lambda database: database.__name__)
async def apps(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[App]]:
    """Apps of two services with one database."""
    database: Database = request.param
    environ = {**SETTINGS, **database(request)}
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(2):
            service = stack.enter_context(running(tmp_path, environ))
            http = httpx.AsyncClient(base_url=service.url, timeout=30, **PLAIN_HTTP)
            opened.append(App(service, await stack.enter_async_context(http)))
        yield opened


async def post(
    app: App, path: str, body: dict[str, Any], client_ip: str = CUSTOMER_IP, token: str = ""
) -> httpx.Response:
    headers = {"X-Forwarded-For": client_ip, **(bearer(token) if token else {})}
    return await app.http.post(path, json=body, headers=headers)


async def flood(app: App) -> None:
    """Use up the part of strangers."""
    for number in range(9):
        body = {"phone": f"+1415{600 + number // 3}{3000 + number}"}
        sent = await post(app, REQUEST, body, f"198.18.{number // 3}.{number}")
        assert sent.status_code == 200, sent.text


async def test_an_app_with_a_proof_gets_one_code_in_a_flood_and_others_a_429(
    apps: list[App],
) -> None:
    first, second = apps
    await flood(first)

    for body in ({"phone": PHONE}, {"phone": PHONE, "attestation": None}):
        assert (await post(first, REQUEST, body)).status_code == 429
    legacy = await post(first, "/authenticate/get_otp", {"phone": PHONE, "attestation": {}})
    assert (legacy.status_code, legacy.json()["exit_code"]) == (429, 1)
    required = await post(first, REQUEST, {"phone": PHONE, "attestation": {}})
    assert (required.status_code, required.json()["code"]) == (403, "attestation_required")
    [challenge] = required.json()["attestation"]
    assert challenge.keys() == {"type", "challenge"}
    proof = {"type": challenge["type"], "response": solve_challenge(challenge["challenge"])}

    of_other = await post(second, REQUEST, {"phone": PHONE[:-1] + "1", "attestation": proof})
    assert of_other.json()["code"] == "attestation_required"
    proven = {"phone": PHONE, "attestation": proof}
    responses = await asyncio.gather(
        *(post(apps[n % 2], REQUEST, proven, f"203.0.{n}.7") for n in range(10))
    )
    assert {response.status_code for response in responses} <= {200, 429}
    assert sum(response.json().get("sent", False) for response in responses) == 1
    apps[0].service.wait_for(lambda: any(app.service.messages(PHONE) for app in apps))
    assert sum(len(app.service.messages(PHONE)) for app in apps) == 1


@pytest.mark.parametrize("apps", DATABASES[:1], indirect=True)
async def test_a_change_of_the_number_and_its_undo_take_a_proof_too(apps: list[App]) -> None:
    app, _ = apps
    account = await app.sign_up(PHONE)
    await flood(app)

    for path, token, last_digit in ((CHANGE, account.token, "2"), (UNDO, "", "3")):
        body: dict[str, Any] = {"phone": PHONE[:-1] + last_digit}
        assert (await post(app, path, body, token=token)).status_code == 429
        required = await post(app, path, {**body, "attestation": {}}, token=token)
        [challenge] = required.json()["attestation"]
        body["attestation"] = {
            "type": challenge["type"],
            "response": solve_challenge(challenge["challenge"]),
        }
        assert (await post(app, path, body, token=token)).status_code == 200


@pytest.mark.parametrize("path", [REQUEST, CHANGE, UNDO])
@pytest.mark.parametrize(
    ("attestation", "code"),
    [
        ("altcha", "wrong_type"),
        ([], "wrong_type"),
        ({"type": "altcha", "response": 1}, "wrong_type"),
        ({"type": "altcha", "response": "x" * 8193}, "too_long"),
        ({"typ": "altcha"}, "wrong_type"),
    ],
)
async def test_a_malformed_proof_is_an_error_of_its_field(
    app: App, phone: str, path: str, attestation: Any, code: str
) -> None:
    token = (await app.sign_up(phone)).token if path == CHANGE else ""
    body = {"phone": "+14155559009", "attestation": attestation}

    response = await post(app, path, body, token=token)

    assert response.status_code == 400, response.text
    [error] = response.json()["field_errors"]
    assert (error["field"], error["code"]) == ("attestation", code)


async def test_without_the_setting_the_field_is_ignored(app: App, phone: str) -> None:
    for attestation in ({}, {"type": "altcha"}, {"type": "altcha", "response": "x"}):
        sent = await app.http.post(REQUEST, json={"phone": phone, "attestation": attestation})
        assert sent.status_code == 200

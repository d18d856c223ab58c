"""A proof instead of a 429, in two services with one database, over HTTP as apps send it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.app import App
from tests.support.altcha_client import solve_challenge
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP

REQUEST: Final = "/auth/request-otp"
UNDO: Final = "/auth/undo-phone-change/request-otp"
SETTINGS: Final = {
    "DIALTONE_ATTESTATION": "altcha",
    # Strangers have 9, each network and number range 3; proofs have 3, a network or range 2.
    "DIALTONE_SMS_LIMIT_PER_COUNTRY": "20/1h",
    "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
}
PHONE: Final = "+14155559000"
CUSTOMER_IP: Final = "203.0.113.7"


@pytest.fixture
async def apps(tmp_path: Path) -> AsyncIterator[list[App]]:
    """Apps of two services with one database."""
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(2):
            service = stack.enter_context(running(tmp_path, SETTINGS))
            http = httpx.AsyncClient(base_url=service.url, timeout=30, **PLAIN_HTTP)
            opened.append(App(service, await stack.enter_async_context(http)))
        yield opened


async def post(
    app: App, path: str, body: dict[str, Any], client_ip: str = CUSTOMER_IP
) -> httpx.Response:
    return await app.http.post(path, json=body, headers={"X-Forwarded-For": client_ip})


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

    assert (await post(first, REQUEST, {"phone": PHONE})).status_code == 429
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
    for body in ({"phone": PHONE[:-1] + "3"}, {"phone": PHONE[:-1] + "3", "attestation": {}}):
        undo = await post(first, UNDO, body)
        assert (undo.status_code, "attestation" in undo.json()) == (
            (403, True) if "attestation" in body else (429, False)
        )

"""Strangers who wait for a budget, or whom the operator asks for a proof, over HTTP."""

from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.own_messenger import OWN_FACTORY, OwnMessenger
from tests.support.altcha_client import solve_challenge
from tests.support.forked_service import ForkedService, running
from tests.support.plain_http import PLAIN_HTTP

PHONES: Final = [f"+14155559{number}00" for number in range(5)]
PROOF: Final = {"DIALTONE_ATTESTATION": "altcha"}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "prices.toml").write_text('currency = "USD"\n\n[US]\nsms = 1_000_000\n')
    return {
        "DIALTONE_SMS": OWN_FACTORY,
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_PRICES": "prices.toml",
        "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
    }


@pytest.fixture
def own(tmp_path: Path) -> OwnMessenger:
    return OwnMessenger(tmp_path).install()


def request(service: ForkedService, phone: str, **body: Any) -> httpx.Response:
    """Ask for a code from an IP that has never logged in."""
    headers = {"X-Forwarded-For": f"198.18.{phone[-3]}.1"}
    body = {"phone": phone, **body}
    with httpx.Client(base_url=service.url, timeout=30, **PLAIN_HTTP) as http:
        return http.post("/auth/request-otp", json=body, headers=headers)


def prove(service: ForkedService, phone: str) -> httpx.Response:
    """Ask for a code with a right proof."""
    asked = request(service, phone, attestation={})
    assert (asked.status_code, asked.json()["code"]) == (403, "attestation_required")
    [challenge] = asked.json()["attestation"]
    proof = {"type": "altcha", "response": solve_challenge(challenge["challenge"])}
    return request(service, phone, attestation=proof)


def test_money_stops_strangers_and_no_known_phone(
    tmp_path: Path, own: OwnMessenger, environ: dict[str, str]
) -> None:
    environ |= PROOF
    with running(tmp_path, environ, own.inbox) as service:
        request(service, PHONES[0])
        body = {"phone": PHONES[0], "otp": service.code(PHONES[0])}
        with httpx.Client(base_url=service.url, timeout=30, **PLAIN_HTTP) as http:
            device_token = http.post("/auth/verify-otp", json=body).json()["device_token"]
        assert request(service, PHONES[1]).status_code == 200

    # Two messages were sent: the budget is used up.
    with running(tmp_path, environ | {"DIALTONE_BUDGET_PER_DAY": "2"}, own.inbox) as service:
        refused = request(service, PHONES[2])
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert 23 * 3600 < int(refused.headers["Retry-After"]) <= 25 * 3600
        assert prove(service, PHONES[2]).status_code == 200
        assert request(service, PHONES[0], device_token=device_token).status_code == 200

    # Four: no proof helps.
    with running(tmp_path, environ | {"DIALTONE_BUDGET_PER_COUNTRY": "US=2"}, own.inbox) as service:
        assert request(service, PHONES[3], attestation={}).status_code == 429
        assert request(service, PHONES[0], device_token=device_token).status_code == 200
        service.wait_until_logged("budget_used_up")


def test_every_stranger_is_asked_for_a_proof(
    tmp_path: Path, own: OwnMessenger, environ: dict[str, str]
) -> None:
    environ |= PROOF | {"DIALTONE_ATTESTATION_ASK": "strangers"}
    with running(tmp_path, environ, own.inbox) as service:
        refused = request(service, PHONES[0])
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3600")
        assert prove(service, PHONES[0]).status_code == 200
    assert len(own.inbox(PHONES[0])) == 1

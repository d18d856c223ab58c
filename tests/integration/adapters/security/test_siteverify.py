"""A provider's answers about the response of its widget, and everything that goes wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from adapters.security.attestation.siteverify import (
    MAX_CHECKS,
    SiteverifyAttestation,
    is_hcaptcha,
    open_siteverify,
)
from application.features.attestation import ProofResult, ProofStatus
from application.ports.errors import PortError
from domain.otp.otp_request import Proof
from tests.support.servers.fake_siteverify import (
    HCAPTCHA_SITE_KEY,
    HOSTNAME,
    SECRET,
    SITE_KEY,
    FakeSiteverify,
)
from tests.support.servers.http_server import Behavior, respond_with
from tests.support.timeouts import LONG

SUBJECT: Final = "a1" * 24
APP: Final = "org.example.app"


@pytest.fixture
def provider() -> Iterator[FakeSiteverify]:
    with FakeSiteverify() as provider:
        yield provider


@pytest.fixture
async def siteverify(provider: FakeSiteverify) -> AsyncIterator[SiteverifyAttestation]:
    url = f"{provider.url}/siteverify"
    hostnames = [HOSTNAME.upper(), APP]
    async with open_siteverify(url, SECRET, SITE_KEY, hostnames, timeouts=LONG) as siteverify:
        yield siteverify


async def verify(siteverify: SiteverifyAttestation, response: str) -> ProofResult:
    return await siteverify.verify(Proof("siteverify", response), SUBJECT)


def minutes_ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_the_provider_gets_the_secret_and_the_response_and_no_ip(
    provider: FakeSiteverify, siteverify: SiteverifyAttestation
) -> None:
    response = provider.show_widget()

    result = await verify(siteverify, response)

    assert result == ProofResult(ProofStatus.VALID, response)
    (request,) = provider.requests
    assert (request.method, request.path) == ("POST", "/siteverify")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.form == {"secret": SECRET, "response": response}


HOSTNAMES: Final = "its host name is not in DIALTONE_ATTESTATION_HOSTNAMES"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"hostname": HOSTNAME.title()}, None),
        ({"hostname": None, "apk_package_name": APP}, None),
        ({"challenge_ts": "yesterday", "action": "sign_in", "cdata": {}}, None),
        ({"challenge_ts": 11}, "it is older than ten minutes"),
        ({"hostname": f"{HOSTNAME}.evil.example"}, f"{HOSTNAMES}: {HOSTNAME}.evil.example"),
        ({"hostname": None}, f"{HOSTNAMES}: none"),
        ({"hostname": "a b\n"}, f"{HOSTNAMES}: none"),
        ({"score": 0.9}, "the key has scores, with which no client fails"),
        ({"success": False, "error-codes": ["+1 415 555", "bad"]}, "the provider rejects it (bad)"),
    ],
)
async def test_a_fresh_response_from_a_page_or_app_of_ours_is_valid_and_no_other(
    provider: FakeSiteverify,
    siteverify: SiteverifyAttestation,
    answer: dict[str, Any],
    reason: str | None,
) -> None:
    if isinstance(minutes := answer.get("challenge_ts"), int):
        answer = {"challenge_ts": minutes_ago(minutes)}
    provider.answer = answer
    result = await verify(siteverify, provider.show_widget())

    expected = ProofStatus.VALID if reason is None else ProofStatus.INVALID
    assert result.status is expected
    assert (result.reason or "").startswith(reason or "")


@pytest.mark.parametrize("hostname", ["Not-Provided", "", HOSTNAME])
async def test_hcaptcha_may_name_no_host_and_checks_the_site_key_instead(
    provider: FakeSiteverify, hostname: str | None
) -> None:
    url, counted = f"{provider.url}/siteverify", list[None]()
    provider.answer = {"hostname": hostname}
    async with open_siteverify(
        *(url, SECRET, HCAPTCHA_SITE_KEY, [HOSTNAME]),
        count_missing_hostname=lambda: counted.append(None),
        timeouts=LONG,
    ) as hcaptcha:
        result = await verify(hcaptcha, provider.show_widget())
        provider.answer = {"hostname": "evil.example"}
        other = await verify(hcaptcha, provider.show_widget())

    assert (result.status, other.status) == (ProofStatus.VALID, ProofStatus.INVALID)
    assert len(counted) == (hostname != HOSTNAME)
    assert provider.requests[0].form["sitekey"] == HCAPTCHA_SITE_KEY


def test_hcaptcha_is_known_by_its_host_or_by_its_site_key() -> None:
    assert is_hcaptcha("https://api.hcaptcha.com/siteverify", "10000000")
    assert is_hcaptcha("https://hcaptcha.com/siteverify", "10000000")
    assert is_hcaptcha("http://127.0.0.1/siteverify", HCAPTCHA_SITE_KEY.upper())
    assert not is_hcaptcha("https://www.google.com/siteverify?x=hcaptcha.com", SITE_KEY)
    assert not is_hcaptcha("https://hcaptcha.com.evil.example/siteverify", SITE_KEY)
    assert not is_hcaptcha("https://nothcaptcha.com/siteverify", f"{HCAPTCHA_SITE_KEY}0")


def says(status: int = 200, **answer: Any) -> Behavior:
    body = {name.replace("_", "-"): value for name, value in answer.items()}
    return respond_with(status, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("behavior", "reason"),
    [
        (respond_with(200, b"[" * 60_000), ""),
        (says(400, success=True, hostname=HOSTNAME), ""),
        (says(success=False, error_codes=["invalid-input-response", "bad-request"]), ""),
        # A wrong key is the operator's fault.
        (
            says(403, success=False, error_codes=["invalid-input-secret"]),
            "DIALTONE_ATTESTATION_SEC",
        ),
        (says(success=False, error_codes=["sitekey-secret-mismatch"]), "DIALTONE_ATTESTATION_SITE"),
    ],
)
async def test_a_provider_that_gives_no_answer_makes_no_proof_invalid(
    provider: FakeSiteverify, siteverify: SiteverifyAttestation, behavior: Behavior, reason: str
) -> None:
    provider.behavior = behavior
    result = await verify(siteverify, "a-response")

    assert result.status is ProofStatus.UNAVAILABLE
    assert result.reason
    assert reason in result.reason
    for text in ("a-response", SECRET, "127.0.0.1", SUBJECT):
        assert text not in result.reason
    with pytest.raises(PortError, match=reason or None):
        await siteverify.check()


async def test_more_than_fifty_checks_at_once_are_not_made(
    provider: FakeSiteverify, siteverify: SiteverifyAttestation
) -> None:
    provider.hangs = True
    checks = [
        asyncio.create_task(verify(siteverify, f"response-{number}"))
        for number in range(MAX_CHECKS + 10)
    ]
    await asyncio.to_thread(provider.wait_for_requests, MAX_CHECKS)
    provider.close_connections()
    results = await asyncio.gather(*checks)

    reasons = [result.reason for result in results]
    assert reasons.count("too many proofs are checked at the same time") == 10
    assert {result.status for result in results} == {ProofStatus.UNAVAILABLE}
    provider.hangs = False
    assert (await verify(siteverify, provider.show_widget())).status is ProofStatus.VALID


async def test_the_health_check_names_keys_that_let_everybody_pass(
    provider: FakeSiteverify, siteverify: SiteverifyAttestation
) -> None:
    provider.answer = {"score": 0.1}
    await verify(siteverify, provider.show_widget())
    with pytest.raises(PortError, match="the key has scores"):
        await siteverify.check()

    provider.behavior = says(success=True, hostname=HOSTNAME)
    with pytest.raises(PortError, match="the secret is one for tests"):
        await siteverify.check()

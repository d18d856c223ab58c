"""Test numbers with a fixed code, configured by an operator."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from tests.e2e.app import bearer
from tests.e2e.deployments import DEPLOYMENTS, Deployment
from tests.e2e.test_otp import LEGACY_WRONG_CODE, client_with_other_ip
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

CODE: Final = "123456"
WRONG_CODE: Final = "654321"
WRONG_CODES: Final = ["654321", "654322", "654323", "654324", "654325"]
TEST_NUMBERS: Final = [f"+14155570{number:03d}" for number in range(20)]
EXPIRED_TEST_NUMBER: Final = "+919876543210"
ORDINARY_NUMBER: Final = "+919876543211"

_unused = iter(TEST_NUMBERS)


@pytest.fixture(scope="module", params=DEPLOYMENTS, ids=lambda deployment: deployment.__name__)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service that delivers to India only, with American test numbers."""
    deployment: Deployment = request.param
    now = datetime.now(UTC)
    tomorrow, yesterday = now + timedelta(days=1), now - timedelta(days=1)
    numbers = [f"{number}={CODE}@{tomorrow:%Y-%m-%d}" for number in TEST_NUMBERS]
    expired = f"{EXPIRED_TEST_NUMBER}={CODE}@{yesterday:%Y-%m-%d}"
    settings = {
        "DIALTONE_TEST_OTPS": ",".join([*numbers, expired]),
        "DIALTONE_COUNTRIES": "IN",
    }
    with deployment(request, tmp_path_factory.mktemp("reviewed"), settings) as started:
        yield started


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=20, **PLAIN_HTTP) as client:
        yield client


@pytest.fixture
def number() -> str:
    """A test number that no other test uses."""
    return next(_unused)


async def request_otp(http: httpx.AsyncClient, phone: str) -> dict[str, Any]:
    response = await http.post("/auth/request-otp", json={"phone": phone})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def verify_otp(
    http: httpx.AsyncClient, phone: str, code: str, **fields: str
) -> dict[str, Any]:
    response = await http.post("/auth/verify-otp", json={"phone": phone, "otp": code, **fields})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def test_the_code_signs_in_without_a_message_in_any_country(
    service: Service, http: httpx.AsyncClient, number: str
) -> None:
    requested = await request_otp(http, number)
    assert requested["sent"] is True

    verified = await verify_otp(http, number, CODE, request_id=requested["request_id"])

    headers = bearer(verified["access_token"])
    assert (await http.get("/users/me", headers=headers)).status_code == 404
    rejected = await http.post("/auth/request-otp", json={"phone": "+14155569999"})
    assert rejected.status_code == 400
    assert rejected.json()["field_errors"][0]["code"] == "country_not_served"
    assert set(rejected.json()["errors"]) == {"phone"}
    assert service.messages(number) == []


async def test_there_is_no_cooldown_not_even_from_another_ip(
    service: Service, http: httpx.AsyncClient, number: str
) -> None:
    requested = [await request_otp(http, number) for _ in range(3)]
    async with client_with_other_ip(service) as other:
        requested.append(await request_otp(other, number))

    assert [body["sent"] for body in requested] == [True] * 4
    assert len({body["request_id"] for body in requested}) == 4


async def test_it_signs_in_repeatedly_until_an_operator_signs_it_out(
    service: Service, http: httpx.AsyncClient, number: str
) -> None:
    tokens = []
    for _ in range(3):
        await request_otp(http, number)
        tokens.append((await verify_otp(http, number, CODE))["access_token"])

    signed_out = service.run("sign-out", number)

    assert signed_out.stdout.endswith("revoked sessions: 3.\n")
    for token in tokens:
        assert (await http.get("/users/me", headers=bearer(token))).status_code == 401


async def test_it_does_not_become_an_administrator(
    service: Service, http: httpx.AsyncClient, number: str
) -> None:
    await request_otp(http, number)
    await verify_otp(http, number, CODE)

    refused = service.run("promote", number)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "DIALTONE_TEST_OTPS" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert number not in refused.stderr


async def test_it_works_in_the_legacy_api(http: httpx.AsyncClient, number: str) -> None:
    path = "/authenticate/validate_otp"
    for _ in range(2):
        requested = await http.post("/authenticate/get_otp", json={"phone": number})
        assert (requested.status_code, requested.json()["exit_code"]) == (200, 0)
        wrong = await http.post(path, json={"phone": number, "otp": WRONG_CODE})
        assert (wrong.status_code, wrong.json()["error"]) == (403, LEGACY_WRONG_CODE)
        correct = await http.post(path, json={"phone": number, "otp": CODE})
        assert (correct.status_code, correct.json()["exit_code"]) == (200, 0)
        assert correct.json()["access_token"]


async def test_wrong_codes_count_and_the_sixth_attempt_is_rejected(
    http: httpx.AsyncClient, number: str
) -> None:
    request_id = (await request_otp(http, number))["request_id"]
    for code, left in zip(WRONG_CODES, (4, 3, 2, 1, 0), strict=True):
        wrong = await verify_otp(http, number, code, request_id=request_id)
        assert (wrong["success"], wrong["attempts_left"]) == (False, left)

    body = {"phone": number, "otp": CODE, "request_id": request_id}

    assert (await http.post("/auth/verify-otp", json=body)).status_code == 429


async def test_a_blocked_test_number_cannot_sign_in(
    service: Service, http: httpx.AsyncClient, number: str
) -> None:
    usual = await request_otp(http, number)
    assert service.run("block", number).returncode == 0

    blocked = await request_otp(http, number)
    rejected = await verify_otp(http, number, CODE, request_id=blocked["request_id"])

    assert blocked.keys() == usual.keys()
    assert blocked["request_id"] != usual["request_id"]
    for field in ("message", "sent", "resend_in"):
        assert blocked[field] == usual[field]
    assert rejected == {"success": False, "message": "Invalid OTP", "attempts_left": 4}
    assert service.run("unblock", number).returncode == 0
    assert (await verify_otp(http, number, CODE))["success"] is True


async def test_after_its_last_day_it_is_an_ordinary_phone(
    service: Service, http: httpx.AsyncClient
) -> None:
    for phone in (EXPIRED_TEST_NUMBER, ORDINARY_NUMBER):
        first = await request_otp(http, phone)
        second = await request_otp(http, phone)
        code = service.code(phone)
        wrong = CODE if code != CODE else WRONG_CODE

        assert second["sent"] is False
        assert second["request_id"] != first["request_id"]
        assert (await verify_otp(http, phone, wrong))["attempts_left"] == 4
        assert (await verify_otp(http, phone, code))["success"] is True
        assert len(service.messages(phone)) == 1

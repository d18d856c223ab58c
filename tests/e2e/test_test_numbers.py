"""Numbers with a fixed code, as an operator sets them, in the running service."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from tests.e2e.app import bearer
from tests.e2e.test_sign_in import WRONG, from_elsewhere
from tests.e2e.worlds import WORLDS, World
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

CODE: Final = "123456"
OTHER: Final = "654321"
NUMBERS: Final = [f"+14155570{number:03d}" for number in range(20)]
ENDED: Final = "+919876543210"
ORDINARY: Final = "+919876543211"

_numbers = iter(NUMBERS)


@pytest.fixture(scope="module", params=WORLDS, ids=lambda world: world.__name__)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """One that sends to India only, and has American test numbers."""
    world: World = request.param
    now = datetime.now(UTC)
    tomorrow, yesterday = now + timedelta(days=1), now - timedelta(days=1)
    numbers = [f"{number}={CODE}@{tomorrow:%Y-%m-%d}" for number in NUMBERS]
    settings = {
        "DIALTONE_TEST_OTPS": ",".join([*numbers, f"{ENDED}={CODE}@{yesterday:%Y-%m-%d}"]),
        "DIALTONE_COUNTRIES": "IN",
    }
    with world(request, tmp_path_factory.mktemp("reviewed"), settings) as started:
        yield started


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=20, **PLAIN_HTTP) as client:
        yield client


@pytest.fixture
def number() -> str:
    """A test number that no other test has."""
    return next(_numbers)


async def ask(http: httpx.AsyncClient, phone: str) -> dict[str, Any]:
    answer = await http.post("/auth/request-otp", json={"phone": phone})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def answer(http: httpx.AsyncClient, phone: str, code: str, **more: str) -> dict[str, Any]:
    verified = await http.post("/auth/verify-otp", json={"phone": phone, "otp": code, **more})
    assert verified.status_code == 200, verified.text
    told: dict[str, Any] = verified.json()
    return told


async def test_its_code_signs_in_with_nothing_sent_wherever_codes_are_sent(
    service: Service, http: httpx.AsyncClient, number: str
) -> None:
    asked = await ask(http, number)
    assert asked["sent"] is True

    verified = await answer(http, number, CODE, request_id=asked["request_id"])

    headers = bearer(verified["access_token"])
    assert (await http.get("/users/me", headers=headers)).status_code == 404
    refused = await http.post("/auth/request-otp", json={"phone": "+14155569999"})
    assert refused.status_code == 400
    assert service.messages(number) == []


async def test_it_is_asked_for_again_at_once_and_from_elsewhere(
    service: Service, http: httpx.AsyncClient, number: str
) -> None:
    asked = [await ask(http, number) for _ in range(3)]
    async with from_elsewhere(service) as elsewhere:
        asked.append(await ask(elsewhere, number))

    assert [one["sent"] for one in asked] == [True] * 4
    assert len({one["request_id"] for one in asked}) == 4


async def test_it_signs_in_again_and_again_until_an_operator_signs_it_out(
    service: Service, http: httpx.AsyncClient, number: str
) -> None:
    tokens = []
    for _ in range(3):
        await ask(http, number)
        tokens.append((await answer(http, number, CODE))["access_token"])

    signed_out = service.run("sign-out", number)

    assert signed_out.stdout.endswith("sessions ended: 3.\n")
    for token in tokens:
        assert (await http.get("/users/me", headers=bearer(token))).status_code == 401


async def test_the_older_family_takes_it_too(http: httpx.AsyncClient, number: str) -> None:
    for _ in range(2):
        asked = await http.post("/authenticate/get_otp", json={"phone": number})
        assert (asked.status_code, asked.json()["exit_code"]) == (200, 0)
        wrong = await http.post("/authenticate/validate_otp", json={"phone": number, "otp": OTHER})
        assert (wrong.status_code, wrong.json()["error"]) == (403, WRONG)
        right = await http.post("/authenticate/validate_otp", json={"phone": number, "otp": CODE})
        assert (right.status_code, right.json()["exit_code"]) == (200, 0)
        assert right.json()["access_token"]


async def test_wrong_codes_are_counted_and_the_sixth_answer_is_refused(
    http: httpx.AsyncClient, number: str
) -> None:
    request_id = (await ask(http, number))["request_id"]
    for left in (4, 3, 2, 1, 0):
        wrong = await answer(http, number, OTHER, request_id=request_id)
        assert (wrong["success"], wrong["attempts_left"]) == (False, left)

    late = {"phone": number, "otp": CODE, "request_id": request_id}

    assert (await http.post("/auth/verify-otp", json=late)).status_code == 429


async def test_blocked_it_is_answered_as_ever_and_lets_nobody_in(
    service: Service, http: httpx.AsyncClient, number: str
) -> None:
    usual = await ask(http, number)
    assert service.run("block", number).returncode == 0

    blocked = await ask(http, number)
    refused = await answer(http, number, CODE, request_id=blocked["request_id"])

    assert blocked.keys() == usual.keys()
    assert blocked["request_id"] != usual["request_id"]
    for same in ("message", "sent", "resend_in"):
        assert blocked[same] == usual[same]
    assert refused == {"success": False, "message": "Invalid OTP", "attempts_left": 4}
    assert service.run("unblock", number).returncode == 0
    assert (await answer(http, number, CODE))["success"] is True


async def test_after_its_last_day_it_is_an_ordinary_phone(
    service: Service, http: httpx.AsyncClient
) -> None:
    for phone in (ENDED, ORDINARY):
        asked = await ask(http, phone)
        again = await ask(http, phone)
        sent = service.code(phone)
        wrong = CODE if sent != CODE else OTHER

        assert (again["sent"], again["request_id"]) == (False, asked["request_id"])
        assert (await answer(http, phone, wrong))["attempts_left"] == 4
        assert (await answer(http, phone, sent))["success"] is True
        assert len(service.messages(phone)) == 1

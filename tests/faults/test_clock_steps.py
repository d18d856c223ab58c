"""The clock of the service steps back or forward under traffic."""

import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import pytest

from tests.e2e.app import App
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.faults.traffic import BEHIND_A_PROXY, run_traffic
from tests.support.images import transparent_png
from tests.support.plain_http import PLAIN_HTTP

HOUR = timedelta(hours=1)
COOLDOWN_SECONDS = 15
COOLDOWNS_SECONDS = (15, 15, 15, 30, 60)
"""After each message that one IP can request in 15 minutes."""

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyService]:
    """One service for all tests. Each test has a phone of its own."""
    with run_faulty_service(tmp_path_factory.mktemp("service"), BEHIND_A_PROXY) as service:
        yield service


@pytest.fixture
def service(shared_service: FaultyService) -> FaultyService:
    """The shared service with the correct time."""
    shared_service.set_clock_offset(timedelta())
    return shared_service


@pytest.fixture
def phone() -> str:
    return f"+1415557{next(_numbers):04d}"


@pytest.fixture
async def http(service: FaultyService) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=30, **PLAIN_HTTP) as client:
        yield client


@pytest.fixture
def app(service: FaultyService, http: httpx.AsyncClient) -> App:
    return App(service, http)


async def request_otp(
    http: httpx.AsyncClient, phone: str, client_ip: str = "203.0.113.1"
) -> httpx.Response:
    headers = {"X-Forwarded-For": client_ip}
    return await http.post("/auth/request-otp", json={"phone": phone}, headers=headers)


async def verify_otp(http: httpx.AsyncClient, phone: str, code: str) -> httpx.Response:
    headers = {"X-Forwarded-For": "203.0.113.1"}
    return await http.post("/auth/verify-otp", json={"phone": phone, "otp": code}, headers=headers)


async def is_correct(http: httpx.AsyncClient, phone: str, code: str) -> bool:
    success: bool = (await verify_otp(http, phone, code)).json()["success"]
    return success


def stored_files(service: FaultyService) -> list[str]:
    return [path.name for path in (service.folder / "media").rglob("*") if path.is_file()]


def run_cleanup(service: FaultyService) -> None:
    cleanup = service.run("cleanup")
    assert cleanup.returncode == 0, cleanup.stderr


@pytest.mark.parametrize("step", [-HOUR, HOUR, -timedelta(days=1), timedelta(minutes=6)], ids=str)
async def test_a_large_step_expires_a_code_and_a_new_one_is_sent_at_once(
    service: FaultyService, http: httpx.AsyncClient, phone: str, step: timedelta
) -> None:
    assert (await request_otp(http, phone)).json()["sent"] is True
    service.set_clock_offset(step)
    assert not await is_correct(http, phone, service.code(phone))

    second = await request_otp(http, phone)

    assert (second.status_code, second.json()["sent"]) == (200, True)
    assert second.json()["expires_in"] <= 300
    assert second.json()["resend_in"] <= COOLDOWN_SECONDS
    assert await is_correct(http, phone, service.code(phone, 2))


@pytest.mark.parametrize("step", [-timedelta(seconds=45), timedelta(seconds=45)], ids=str)
async def test_a_code_survives_a_small_step(
    service: FaultyService, http: httpx.AsyncClient, phone: str, step: timedelta
) -> None:
    assert (await request_otp(http, phone)).json()["sent"] is True
    service.set_clock_offset(step)
    assert await is_correct(http, phone, service.code(phone))


async def test_an_expired_code_is_correct_once_at_most_when_the_clock_steps_back(
    service: FaultyService, http: httpx.AsyncClient, phone: str
) -> None:
    await request_otp(http, phone)
    code = service.code(phone)
    service.set_clock_offset(timedelta(minutes=5, seconds=1))
    # It does not remove the challenge: such an attempt costs the same for every phone.
    assert not await is_correct(http, phone, code)
    service.set_clock_offset(timedelta())
    await is_correct(http, phone, code)
    assert not await is_correct(http, phone, code)


async def test_a_new_message_removes_an_expired_code(
    service: FaultyService, http: httpx.AsyncClient, phone: str
) -> None:
    await request_otp(http, phone)
    code = service.code(phone)
    service.set_clock_offset(timedelta(minutes=5, seconds=1))
    assert (await request_otp(http, phone)).json()["sent"] is True
    service.set_clock_offset(timedelta())
    assert code == service.code(phone, 2) or not await is_correct(http, phone, code)


async def test_a_used_code_stays_used_after_clock_steps(
    service: FaultyService, http: httpx.AsyncClient, phone: str
) -> None:
    await request_otp(http, phone)
    code = service.code(phone)
    assert await is_correct(http, phone, code)
    for offset in (-HOUR, timedelta(), HOUR, timedelta(minutes=1), timedelta()):
        service.set_clock_offset(offset)
        assert not await is_correct(http, phone, code)


async def test_used_up_limits_do_not_lock_a_phone_after_a_step_back(
    service: FaultyService, http: httpx.AsyncClient, phone: str
) -> None:
    offset = timedelta()
    for cooldown in COOLDOWNS_SECONDS:
        service.set_clock_offset(offset)
        assert (await request_otp(http, phone)).json()["sent"] is True
        offset += timedelta(seconds=cooldown + 1)
    service.set_clock_offset(offset)
    assert (await request_otp(http, phone)).status_code == 429
    code = service.code(phone, len(COOLDOWNS_SECONDS))
    for attempts_left in (4, 3, 2, 1, 0):
        wrong_code = f"{(int(code) + 1 + attempts_left) % 1_000_000:06d}"
        response = await verify_otp(http, phone, wrong_code)
        assert response.json()["attempts_left"] == attempts_left
    assert (await verify_otp(http, phone, code)).status_code == 429

    service.set_clock_offset(offset - HOUR)

    assert (await request_otp(http, phone)).json()["sent"] is True
    assert await is_correct(http, phone, service.code(phone, len(COOLDOWNS_SECONDS) + 1))


async def test_a_step_back_extends_a_cooldown_by_the_allowed_clock_skew_at_most(
    service: FaultyService, http: httpx.AsyncClient, phone: str
) -> None:
    assert (await request_otp(http, phone)).json()["sent"] is True
    # Instances may differ by this much, so the delivery still counts.
    service.set_clock_offset(-timedelta(seconds=55))
    response = await request_otp(http, phone, "203.0.113.2")
    assert (response.status_code, response.json()["sent"]) == (200, False)
    assert response.json()["resend_in"] <= 60 + COOLDOWN_SECONDS


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=str)
async def test_a_step_ends_no_session_and_hides_no_item(
    service: FaultyService, app: App, phone: str, http: httpx.AsyncClient, step: timedelta
) -> None:
    account = await app.sign_up(phone)
    item = await app.upload_item(account, transparent_png())
    service.set_clock_offset(step)

    me = await http.get("/users/me", headers=account.headers)
    assert (me.status_code, me.json()["_id"]) == (200, account.user_id)
    assert (await http.get(item["url"])).status_code == 200
    later_item = await app.upload_item(account, transparent_png())
    page = await http.get(f"/library?user_id={account.user_id}", headers=account.headers)
    assert {shown["id"] for shown in page.json()["items"]} == {item["id"], later_item["id"]}
    renamed = await http.patch(
        "/users/me", json={"username": f"other {phone}"}, headers=account.headers
    )
    assert renamed.status_code == 200
    for _ in range(2):
        run_cleanup(service)
    assert (await http.get(later_item["url"])).status_code == 200
    assert (await http.post("/auth/logout", headers=account.headers)).status_code == 204
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401


async def test_a_token_expires_by_the_clock(
    service: FaultyService, app: App, phone: str, http: httpx.AsyncClient
) -> None:
    account = await app.sign_up(phone)
    service.set_clock_offset(timedelta(days=91))
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401
    service.set_clock_offset(timedelta(days=89))
    assert (await http.get("/users/me", headers=account.headers)).status_code == 200


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=str)
async def test_traffic_continues_during_a_step(service: FaultyService, step: timedelta) -> None:
    async with run_traffic(service) as traffic:
        await traffic.until_acknowledged(12)
        service.set_clock_offset(step)
        await traffic.until_acknowledged(12)
        service.set_clock_offset(timedelta())
        await traffic.until_acknowledged(12)


async def test_an_interrupted_upload_is_cleaned_up_after_a_step_back(
    service: FaultyService, app: App, phone: str, http: httpx.AsyncClient
) -> None:
    account = await app.sign_up(phone)
    files_before = stored_files(service)
    service.kill_after(4)
    with pytest.raises(httpx.TransportError):
        await app.upload(account, transparent_png())
    service.kill()
    service.keep_alive()
    service.set_clock_offset(-HOUR)
    service.start()
    await app.upload_item(account, transparent_png())
    run_cleanup(service)
    page = await http.get(f"/library?user_id={account.user_id}", headers=account.headers)
    assert page.json()["total"] == 1
    # The step delays the cleanup by its own length at most.
    for offset in (timedelta(minutes=11), timedelta(hours=1, minutes=12)):
        service.set_clock_offset(offset)
        run_cleanup(service)
    assert len(stored_files(service)) == len(files_before) + 1

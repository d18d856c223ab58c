"""The service's clock stepping back an hour, and forward, with everything under way."""

import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import pytest

from tests.e2e.app import App
from tests.faults.altered_service import AlteredService, altered
from tests.faults.traffic import BEHIND_A_PROXY, traffic_at
from tests.support.images import transparent_png
from tests.support.plain_http import PLAIN_HTTP

HOUR = timedelta(hours=1)
COOL_DOWN = 15

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def clocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlteredService]:
    """One for all tests, each of which has a phone of its own."""
    with altered(tmp_path_factory.mktemp("clocked"), BEHIND_A_PROXY) as service:
        yield service


@pytest.fixture
def service(clocked: AlteredService) -> AlteredService:
    """The same with its clock right again."""
    clocked.set_clock_off(timedelta())
    return clocked


@pytest.fixture
def phone() -> str:
    return f"+1415557{next(_numbers):04d}"


@pytest.fixture
async def http(service: AlteredService) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=30, **PLAIN_HTTP) as client:
        yield client


@pytest.fixture
def app(service: AlteredService, http: httpx.AsyncClient) -> App:
    return App(service, http)


async def ask(http: httpx.AsyncClient, phone: str, address: str = "203.0.113.1") -> httpx.Response:
    headers = {"X-Forwarded-For": address}
    return await http.post("/auth/request-otp", json={"phone": phone}, headers=headers)


async def answer(
    http: httpx.AsyncClient, phone: str, code: str, address: str = "203.0.113.1"
) -> httpx.Response:
    headers = {"X-Forwarded-For": address}
    return await http.post("/auth/verify-otp", json={"phone": phone, "otp": code}, headers=headers)


async def signed_in(http: httpx.AsyncClient, phone: str, code: str) -> bool:
    is_right: bool = (await answer(http, phone, code)).json()["success"]
    return is_right


def files_of(service: AlteredService) -> list[str]:
    return [one.name for one in (service.folder / "media").rglob("*") if one.is_file()]


@pytest.mark.parametrize("step", [-HOUR, HOUR, -timedelta(days=1), timedelta(minutes=6)], ids=str)
async def test_a_code_under_way_dies_when_the_clock_steps_and_a_new_one_is_had_at_once(
    service: AlteredService, http: httpx.AsyncClient, phone: str, step: timedelta
) -> None:
    assert (await ask(http, phone)).json()["sent"] is True
    service.set_clock_off(step)
    assert not await signed_in(http, phone, service.code(phone))

    again = await ask(http, phone)

    assert (again.status_code, again.json()["sent"]) == (200, True)
    assert again.json()["expires_in"] <= 300
    assert again.json()["resend_in"] <= COOL_DOWN
    assert await signed_in(http, phone, service.code(phone, 2))


@pytest.mark.parametrize("step", [-timedelta(seconds=45), timedelta(seconds=45)], ids=str)
async def test_a_code_under_way_outlives_a_small_correction(
    service: AlteredService, http: httpx.AsyncClient, phone: str, step: timedelta
) -> None:
    assert (await ask(http, phone)).json()["sent"] is True
    service.set_clock_off(step)
    assert await signed_in(http, phone, service.code(phone))


async def test_no_code_lives_longer_by_a_clock_that_steps_to_and_fro(
    service: AlteredService, http: httpx.AsyncClient, phone: str
) -> None:
    await ask(http, phone)
    code = service.code(phone)
    service.set_clock_off(timedelta(minutes=5, seconds=1))
    # Whoever reads the record now may forget the code.
    assert not await signed_in(http, phone, code)
    service.set_clock_off(timedelta())
    assert not await signed_in(http, phone, code)


async def test_a_spent_code_stays_spent_whatever_the_clock_does(
    service: AlteredService, http: httpx.AsyncClient, phone: str
) -> None:
    await ask(http, phone)
    code = service.code(phone)
    assert await signed_in(http, phone, code)
    for off in (-HOUR, timedelta(), HOUR, timedelta(minutes=1), timedelta()):
        service.set_clock_off(off)
        assert not await signed_in(http, phone, code)


async def test_budgets_and_tries_that_were_spent_lock_nobody_out_after_a_step_back(
    service: AlteredService, http: httpx.AsyncClient, phone: str
) -> None:
    for turn in range(3):
        service.set_clock_off(timedelta(seconds=turn * (COOL_DOWN + 1)))
        assert (await ask(http, phone)).json()["sent"] is True
    service.set_clock_off(timedelta(minutes=1))
    assert (await ask(http, phone)).status_code == 429
    right = service.code(phone, 3)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for left in (4, 3, 2, 1, 0):
        assert (await answer(http, phone, wrong)).json()["attempts_left"] == left
    assert (await answer(http, phone, right)).status_code == 429

    service.set_clock_off(timedelta(minutes=1) - HOUR)

    assert (await ask(http, phone)).json()["sent"] is True
    assert await signed_in(http, phone, service.code(phone, 4))


async def test_what_is_refused_after_a_step_back_is_refused_for_no_longer_than_usual(
    service: AlteredService, http: httpx.AsyncClient, phone: str
) -> None:
    assert (await ask(http, phone)).json()["sent"] is True
    # So far back is still taken for another instance's clock.
    service.set_clock_off(-timedelta(seconds=55))
    refused = await ask(http, phone, "203.0.113.2")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 60 + COOL_DOWN


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=str)
async def test_nobody_is_signed_out_and_nothing_shown_is_lost_by_a_step(
    service: AlteredService, app: App, phone: str, http: httpx.AsyncClient, step: timedelta
) -> None:
    account = await app.sign_up(phone)
    item = await app.upload_item(account, transparent_png())
    service.set_clock_off(step)

    me = await http.get("/users/me", headers=account.headers)
    assert (me.status_code, me.json()["_id"]) == (200, account.user_id)
    assert (await http.get(item["url"])).status_code == 200
    later = await app.upload_item(account, transparent_png())
    page = await http.get(f"/library?user_id={account.user_id}", headers=account.headers)
    assert {one["id"] for one in page.json()["items"]} == {item["id"], later["id"]}
    renamed = await http.patch(
        "/users/me", json={"username": f"other {phone}"}, headers=account.headers
    )
    assert renamed.status_code == 200
    for _ in range(2):
        swept = service.run("cleanup")
        assert swept.returncode == 0, swept.stderr
    assert (await http.get(later["url"])).status_code == 200
    assert (await http.post("/auth/logout", headers=account.headers)).status_code == 204
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401


async def test_a_token_lives_no_longer_than_it_may_by_the_clock(
    service: AlteredService, app: App, phone: str, http: httpx.AsyncClient
) -> None:
    account = await app.sign_up(phone)
    service.set_clock_off(timedelta(days=91))
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401
    service.set_clock_off(timedelta(days=89))
    assert (await http.get("/users/me", headers=account.headers)).status_code == 200


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=str)
async def test_traffic_goes_on_through_a_step(service: AlteredService, step: timedelta) -> None:
    async with traffic_at(service) as traffic:
        await traffic.until_acknowledged(12)
        service.set_clock_off(step)
        await traffic.until_acknowledged(12)
        service.set_clock_off(timedelta())
        await traffic.until_acknowledged(12)


async def test_what_an_upload_left_behind_is_swept_in_time_after_a_step_back(
    service: AlteredService, app: App, phone: str, http: httpx.AsyncClient
) -> None:
    account = await app.sign_up(phone)
    before = files_of(service)
    service.die_after(4)
    with pytest.raises(httpx.TransportError):
        await app.upload(account, transparent_png())
    service.kill()
    service.live()
    service.set_clock_off(-HOUR)
    service.start()
    await app.upload_item(account, transparent_png())
    assert service.run("cleanup").returncode == 0
    page = await http.get(f"/library?user_id={account.user_id}", headers=account.headers)
    assert page.json()["total"] == 1
    # Late by the step at the most.
    for passed in (timedelta(minutes=11), timedelta(hours=1, minutes=12)):
        service.set_clock_off(passed)
        assert service.run("cleanup").returncode == 0
    assert len(files_of(service)) == len(before) + 1

"""What the clients hear when a part of the service is away, in both worlds."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.app import App
from tests.e2e.fragile import FRAGILE_WORLDS, Fragile
from tests.images import transparent_png
from tests.support.plain_http import PLAIN_HTTP

PHONE = "+14155570001"
BROKEN = "Internal server error 500 Internal Server Error: "


@pytest.fixture(params=FRAGILE_WORLDS, ids=lambda world: world.__name__)
def fragile(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fragile]:
    world: Any = request.param
    with world(request, tmp_path) as opened:
        yield opened


@pytest.fixture
async def http(fragile: Fragile) -> AsyncIterator[httpx.AsyncClient]:
    url = fragile.service.url
    async with httpx.AsyncClient(base_url=url, timeout=30, **PLAIN_HTTP) as client:
        yield client


async def test_without_the_database_each_path_says_so_in_its_own_words(
    fragile: Fragile, http: httpx.AsyncClient
) -> None:
    app = App(fragile.service, http)
    account = await app.join(PHONE)
    fragile.break_database()

    user = {"username": "Somebody", "number": PHONE}
    created = await http.post("/users", json=user, headers=account.headers)
    assert (created.status_code, created.json()["error"]) == (500, "User creation failed")
    listed = await http.get("/library", headers=account.headers)
    assert (listed.status_code, listed.json()["error"]) == (500, "Failed to fetch library items")
    uploaded = await app.upload(account, transparent_png())
    assert uploaded.status_code == 500
    assert uploaded.json()["error"] == "Failed to save library item"
    assert all(one.json()["details"] for one in (listed, uploaded))

    code = {"phone": PHONE, "otp": "123456"}
    for answer in (
        await http.get("/users/me", headers=account.headers),
        await http.post("/auth/request-otp", json={"phone": PHONE}),
        await http.post("/auth/verify-otp", json=code),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) == answer.json()["retry_after"]
    for older in (
        await http.post("/authenticate/get_otp", json={"phone": PHONE}),
        await http.post("/authenticate/validate_otp", json=code),
    ):
        assert (older.status_code, older.json()["exit_code"]) == (500, 5)
        assert older.json()["error"].startswith(BROKEN)

    assert (await http.get("/health/live")).status_code == 200
    ready = await http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert ready.json()["database"] != "ok"


async def test_without_the_media_store_an_upload_fails_and_leaves_nothing(
    fragile: Fragile, http: httpx.AsyncClient
) -> None:
    app = App(fragile.service, http)
    account = await app.join(PHONE)
    fragile.break_media()
    uploaded = await app.upload(account, transparent_png())
    assert uploaded.status_code == 500
    assert uploaded.json()["error"] == "Failed to upload file to S3"
    assert uploaded.json()["details"]
    listed = await http.get("/library", headers=account.headers)
    assert (listed.status_code, listed.json()["total"]) == (200, 0)
    ready = await http.get("/health/ready")
    assert (ready.status_code, ready.json()["database"]) == (200, "ok")
    assert ready.json()["media"] != "ok"


async def test_a_message_that_nobody_takes_costs_the_caller_nothing(
    fragile: Fragile, http: httpx.AsyncClient
) -> None:
    fragile.refuse_messages()
    for _ in range(8):
        refused = await http.post("/auth/request-otp", json={"phone": PHONE})
        assert (refused.status_code, refused.json()["code"]) == (503, "message_not_sent")
        assert int(refused.headers["retry-after"]) > 0
    older = await http.post("/authenticate/get_otp", json={"phone": PHONE})
    assert (older.status_code, older.json()["exit_code"]) == (500, 5)
    assert older.json()["error"].startswith(f"{BROKEN}unable to connect to message server :- ")
    fragile.take_messages()
    taken = await http.post("/auth/request-otp", json={"phone": PHONE})
    assert (taken.status_code, taken.json()["sent"]) == (200, True)


async def test_what_is_the_numbers_fault_is_told_as_that(
    fragile: Fragile, http: httpx.AsyncClient
) -> None:
    fragile.refuse_number()
    refused = await http.post("/auth/request-otp", json={"phone": PHONE})
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"phone"})
    older = await http.post("/authenticate/get_otp", json={"phone": PHONE})
    assert (older.status_code, older.json()["exit_code"]) == (400, 4)

"""Lists of users, statistics, exports and moderation over HTTP."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from domain.administration.scopes import Scope
from domain.features.statistics import HOUR, Result
from entrypoints.features.statistics import STATISTICS
from entrypoints.http.fields import format_timestamp
from tests.integration.entrypoints.http.administration import (
    ADMINISTRATOR,
    USER,
    AdminDriver,
    open_admin_driver,
)
from tests.support.app_harness import GIF, AppHarness
from tests.support.client import bearer
from tests.support.counted_events import accepted, delivered, logged_in, rejected
from tests.support.images import still_gif

NOTHING: Final[dict[str, int]] = {result.value: 0 for result in Result}
BODY: Final = {"reason": "report 815 of +1 415 555 2671"}


@pytest.fixture
async def driver() -> AsyncIterator[AdminDriver]:
    async with open_admin_driver() as opened:
        yield opened


# Lists of users


def codes_of(body: Any) -> dict[str, str]:
    return {error["field"]: error["code"] for error in body["field_errors"]}


async def test_a_backend_lists_users_page_by_page(driver: AdminDriver) -> None:
    token = await driver.make_token(Scope.LIST_USERS)
    first = (await driver.get("/admin/users?limit=1", token)).json()
    rest = (await driver.get(f"/admin/users?limit=1&cursor={first['next_cursor']}", token)).json()
    administrators = (await driver.get("/admin/users?role=administrator", token)).json()

    assert [each["id"] for each in first["users"] + rest["users"]] == [
        driver.administrator_id,
        driver.user_id,
    ]
    assert rest["next_cursor"] is None
    assert administrators["users"] == first["users"]
    [user] = rest["users"]
    assert user["username"] is not None
    assert (user["number"], user["role"], user["blocked_at"]) == (USER.masked, "member", None)
    everything = f"{first}{rest}"
    assert USER.e164 not in everything
    assert ADMINISTRATOR.e164 not in everything
    assert driver.acts == [("list_users", "users", None)]


async def test_what_is_wrong_is_named_with_the_way_out(driver: AdminDriver) -> None:
    cursor = (await driver.get("/admin/users?limit=1")).json()["next_cursor"]
    for query, expected in (
        ("blocked=true&role=member", {"blocked": "conflicting_value", "role": "conflicting_value"}),
        ("role=king", {"role": "unsupported_value"}),
        ("blocked=yes", {"blocked": "unsupported_value"}),
        ("created_since=now", {"created_since": "invalid_value"}),
        ("cursor=x&limit=0", {"cursor": "invalid_cursor", "limit": "invalid_number"}),
        (f"blocked=true&cursor={cursor}", {"cursor": "invalid_cursor"}),
    ):
        response = await driver.get(f"/admin/users?{query}")
        assert (response.status_code, codes_of(response.json())) == (400, expected), query


# Statistics


async def count_some(driver: AdminDriver) -> None:
    statistics = STATISTICS.of(driver.harness.use_cases)
    for event in (accepted(), accepted(), logged_in(), delivered(country="IN"), rejected()):
        statistics.count.record(event)
    await statistics.write()


async def test_a_report_has_the_sums_of_the_last_hours(driver: AdminDriver) -> None:
    driver.harness.clock.advance(timedelta(days=3))  # without the logins of the driver
    await count_some(driver)
    token = await driver.make_token(Scope.READ_STATISTICS)
    response = await driver.get("/admin/statistics?hours=2&by=country,provider", token)

    now = HOUR.start_of(driver.harness.clock.now())
    usa = NOTHING | {"sent": 2, "logins": 1}
    total = usa | {"delivered": 1, "rejected": 1}
    first, last = format_timestamp(now - HOUR.length), format_timestamp(now)
    assert response.json() == {
        "period": "hour",
        "first": first,
        "last": last,
        "by": "country,provider",
        "total": total,
        "rows": [
            {"country": "US", "provider": "acme:open", **usa},
            {"country": "US", "provider": "none", **NOTHING, "rejected": 1},
            {"country": "IN", "provider": "acme:open", **NOTHING, "delivered": 1},
        ],
        "by_period": [
            {"starts_at": first, **NOTHING, "rejections": {}},
            {"starts_at": last, **total, "rejections": {"per_ip": 1}},
        ],
        "rejections": {"per_ip": 1},
    }


async def test_a_report_by_prefix_is_one_of_hours_with_messages_and_logins(
    driver: AdminDriver,
) -> None:
    driver.harness.clock.advance(timedelta(days=3))  # without the logins of the driver
    for _ in range(10):
        await count_some(driver)
    token = await driver.make_token(Scope.READ_STATISTICS)
    report = (await driver.get("/admin/statistics?by=prefix", token)).json()
    assert report["rows"] == [{"prefix": "+1415", "sent": 20, "not_taken": 0, "logins": 10}]
    assert report["total"] == NOTHING | {
        "sent": 20, "logins": 10, "delivered": 10, "rejected": 10,
    }  # fmt: skip
    csv = await driver.get("/admin/statistics?by=prefix&format=csv", token)
    assert csv.text.splitlines()[0] == '"prefix","sent","not_taken","logins"'
    by_day = await driver.get("/admin/statistics?by=prefix&from=2026-05-01", token)
    assert [*by_day.json()["errors"]] == ["by"]


# Exports


async def export(driver: AdminDriver, token: str, method: str = "GET") -> httpx.Response:
    return await driver.http.request(method, "/users/me/export", headers=bearer(token))


def read(response: httpx.Response) -> dict[str, bytes]:
    """Return the files of an archive. `zipfile` checks each of them."""
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def assert_is_archive_of(user_id: str, response: httpx.Response) -> None:
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-disposition"] == (
        f'attachment; filename="dialtone-export-{user_id}.zip"'
    )
    assert "content-length" not in response.headers


async def test_an_owner_gets_an_archive_with_json_and_files() -> None:
    harness = AppHarness()
    principal = await harness.log_in(USER)
    item = (await harness.upload_image(principal, GIF)).item
    async with open_admin_driver(harness) as driver:
        by_administrator = await driver.post("export")
        response = await export(driver, await harness.access_token(USER))

    for archive in (by_administrator, response):
        assert_is_archive_of(driver.user_id, archive)
    files = read(response)
    assert json.loads(files["account.json"])["phone"] == USER.e164
    assert files[f"library/{item.id}.gif"] == harness.files.contents[item.storage_key]
    assert b"<!DOCTYPE html>" in files["index.html"]
    assert harness.files.open_files == 0


async def test_an_export_is_possible_once_a_day_and_head_is_none(driver: AdminDriver) -> None:
    too_old = await export(driver, driver.user, "HEAD")
    assert too_old.status_code == 403
    token = await driver.harness.access_token(USER)
    for _ in range(6):
        head = await export(driver, token, "HEAD")
        assert_is_archive_of(driver.user_id, head)
        assert head.content == b""
    assert (await export(driver, token)).status_code == 200

    limited = await export(driver, token)

    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert limited.headers["retry-after"] == str(limited.json()["retry_after"]) == "86400"
    assert limited.headers["cache-control"] == "no-store"
    head = await export(driver, token, "HEAD")
    assert (head.status_code, head.headers["retry-after"]) == (429, "86400")


# Moderation


@pytest.fixture
async def item(driver: AdminDriver) -> dict[str, Any]:
    """An item of the user, as the library shows it."""
    response = await driver.http.post(
        "/library/upload",
        files={"file": ("a.gif", still_gif(), "image/gif")},
        data={"user_id": driver.user_id},
        headers=bearer(driver.user),
    )
    uploaded: dict[str, Any] = response.json()
    return uploaded


async def act(
    driver: AdminDriver, item_id: str, action: str, body: Any = BODY, token: str | None = None
) -> httpx.Response:
    return await driver.http.post(
        f"/admin/library/{item_id}/{action}",
        json=body,
        headers=bearer(token or driver.administrator),
    )


async def ids(driver: AdminDriver, query: str = "") -> list[str]:
    response = await driver.get(f"/admin/library{query}")
    return [found["id"] for found in response.json()["items"]]


async def test_an_item_is_hidden_shown_again_and_deleted_and_its_file_is_sent(
    driver: AdminDriver, item: dict[str, Any]
) -> None:
    *_, hidden = done = [await act(driver, item["id"], it) for it in ("hide", "unhide", "hide")]
    assert [each.json()["state"] for each in done] == ["hidden", "shown", "hidden"]
    assert hidden.json()["user_id"] == driver.user_id
    assert (await driver.get(f"/library/{item['id']}", driver.user)).status_code == 404
    assert await ids(driver, "?state=hidden") == [item["id"]]
    assert await ids(driver, f"?user_id={driver.user_id}") == []
    path = f"/admin/library/{item['id']}"
    assert (await driver.get(path)).json() == hidden.json()
    file = await driver.get(f"{path}/file")
    assert (file.status_code, file.headers["content-type"]) == (200, "image/gif")
    assert len(file.content) == item["bytes"]
    assert file.headers["cache-control"] == "no-store"

    deleted = await act(driver, item["id"], "delete")
    assert (deleted.status_code, deleted.content) == (204, b"")
    for response in (await driver.get(f"{path}/file"), await act(driver, item["id"], "delete")):
        assert (response.status_code, response.json()["code"]) == (404, "item_not_found")

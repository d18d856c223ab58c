"""Moderation over HTTP: administrators see hidden items and their files, and nobody else does."""

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest

from tests.integration.entrypoints.http.administration import AdminDriver, open_admin_driver
from tests.support.client import bearer
from tests.support.images import still_gif

BODY: Final = {"reason": "report 815 of +1 415 555 2671"}


@pytest.fixture
async def driver() -> AsyncIterator[AdminDriver]:
    async with open_admin_driver() as opened:
        yield opened


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


async def test_a_hidden_item_and_its_file_are_found_by_administrators_only(
    driver: AdminDriver, item: dict[str, Any]
) -> None:
    path = "/media/" + "/".join(item["url"].split("/")[-2:])
    assert (await driver.get(path)).status_code == 200
    hidden = await act(driver, item["id"], "hide")
    assert (hidden.status_code, hidden.json()["state"]) == (200, "hidden")
    assert hidden.json()["user_id"] == driver.user_id

    assert (await driver.get(f"/library/{item['id']}", driver.user)).status_code == 404
    assert (await driver.get(path)).status_code == 404
    assert await ids(driver, "?state=hidden") == [item["id"]]
    assert await ids(driver, f"?user_id={driver.user_id}") == []
    shown = await driver.get(f"/admin/library/{item['id']}")
    assert shown.json() == hidden.json()
    file = await driver.get(f"/admin/library/{item['id']}/file")
    assert (file.status_code, file.headers["content-type"]) == (200, "image/gif")
    assert file.content.startswith(b"GIF8")
    assert len(file.content) == item["bytes"]
    assert file.headers["cache-control"] == "no-store"

    again = await act(driver, item["id"], "unhide")
    assert again.json()["state"] == "shown"
    assert (await driver.get(path)).status_code == 200

    await act(driver, item["id"], "hide")
    deleted = await act(driver, item["id"], "delete")
    assert (deleted.status_code, deleted.content) == (204, b"")
    for response in (
        await driver.get(f"/admin/library/{item['id']}/file"),
        await act(driver, item["id"], "delete"),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "item_not_found")

"""Exports over HTTP: a ZIP archive of one's own data, or of a user's."""

import io
import json
import zipfile
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.entrypoints.http.administration import USER, AdminDriver, open_admin_driver
from tests.support.app_harness import GIF, AppHarness
from tests.support.client import bearer


@pytest.fixture
async def driver() -> AsyncIterator[AdminDriver]:
    async with open_admin_driver() as opened:
        yield opened


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

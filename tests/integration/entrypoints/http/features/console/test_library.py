"""The pages for moderation: pictures as thumbnails, hidden, shown again and deleted."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import httpx
import pytest

from application.administration.operator import operating_system_user
from application.features.media.feature import LibraryFeature
from application.principal import Principal
from domain.features.media.image import VariantSpec
from domain.features.media.item import MediaItem
from tests.integration.entrypoints.http.features.console.pages import ConsoleDriver, open_console
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.media.stored import stored_items

REASON: Final = "report 815"
OPERATOR: Final = operating_system_user("alice")


@dataclass(frozen=True, slots=True)
class Console:
    """The pages of the library in the browser of an administrator, and a picture of a user."""

    driver: ConsoleDriver
    owner: Principal
    item: MediaItem

    @property
    def http(self) -> httpx.AsyncClient:
        return self.driver.http

    @property
    def harness(self) -> AppHarness:
        return self.driver.harness

    async def get(self, path: str = "") -> httpx.Response:
        return await self.driver.get(f"/library{path}")

    async def post(self, path: str = "", **fields: str) -> httpx.Response:
        return await self.driver.post(f"/library{path}", **fields)

    @property
    def stored(self) -> MediaItem:
        return stored_items(self.harness.database)[self.item.id].value


@pytest.fixture
async def console() -> AsyncIterator[Console]:
    harness = AppHarness(policy=make_policy(variant_specs=[VariantSpec("thumb", 320, 320)]))
    owner = await harness.add_user(a_phone(1))
    item = (await harness.upload_image(owner, category="<b>")).item
    async with open_console(harness) as driver:
        yield Console(driver, owner, item)


def links(page: httpx.Response) -> list[str]:
    return re.findall(r'(?:href|src)="([^"]+)"', page.text)


async def test_the_newest_items_have_thumbnails_from_the_consoles_own_paths(
    console: Console,
) -> None:
    page = await console.get()
    assert page.status_code == 200
    path = f"/console/library/{console.item.id}"
    assert {path, f"{path}/thumbnail", f"/console/users/{console.item.owner_id}"} <= {*links(page)}
    assert all(link.startswith(("/", "#")) for link in links(page))
    assert console.item.storage_key not in page.text
    shown = await console.get(f"/{console.item.id}")
    assert f"{path}/image" in links(shown)
    assert "&lt;b&gt;" in shown.text


async def test_thumbnail_and_image_are_sent_also_of_a_hidden_item(console: Console) -> None:
    await console.harness.use_cases.of(LibraryFeature).moderate_items.hide(
        OPERATOR, console.item.id, REASON
    )
    files = console.harness.files.contents
    for name, key in (
        ("thumbnail", console.item.thumbnail.storage_key),
        ("image", console.item.storage_key),
    ):
        response = await console.get(f"/{console.item.id}/{name}")
        assert (response.status_code, response.content) == (200, files[key])
        assert response.headers["content-type"] == "image/gif"
        assert response.headers["cache-control"] == "no-store"
        head = await console.http.head(f"/console/library/{console.item.id}/{name}")
        assert head.headers["content-length"] == str(len(files[key]))


async def test_an_item_is_hidden_shown_again_and_deleted_from_its_page(console: Console) -> None:
    path = f"/console/library/{console.item.id}"
    for act, location, text in (
        ("hide", f"{path}?done=item_hidden", "The picture is hidden."),
        ("unhide", f"{path}?done=item_unhidden", "The picture is shown again."),
        ("hide", f"{path}?done=item_hidden", "whoever has the URL of the file can open it"),
        ("delete", "/console/library?done=item_deleted", "The picture is deleted."),
    ):
        done = await console.post(f"/{console.item.id}/{act}", reason=REASON)
        assert (done.status_code, done.headers["location"]) == (303, location)
        assert text in (await console.http.get(location)).text
    assert console.harness.files.contents == {}


async def test_a_user_is_chosen_by_a_form_so_that_no_phone_gets_into_an_address(
    console: Console,
) -> None:
    chosen = await console.post(user_id=console.item.owner_id, state="hidden")
    location = f"/console/library?user_id={console.item.owner_id}&state=hidden"
    assert (chosen.status_code, chosen.headers["location"]) == (303, location)
    assert (await console.post()).headers["location"] == "/console/library"
    phone = await console.post(user_id="+14155552671")
    assert (phone.status_code, "location" in phone.headers) == (400, False)
    assert "A user id has 24 hex digits." in phone.text

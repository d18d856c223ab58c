"""The pages for moderation: pictures as thumbnails, hidden, shown again and deleted."""

import re
from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest

from domain.features.media.image import VariantSpec
from domain.features.media.item import MediaItem
from tests.integration.entrypoints.http.features.console.pages import ConsoleDriver, open_console
from tests.support.acts import BY_COMMAND, REASON
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone

LIBRARY: Final = "/console/library"


@pytest.fixture
async def shown() -> AsyncIterator[tuple[ConsoleDriver, MediaItem]]:
    """The console of an administrator, and a picture of a user."""
    harness = AppHarness(policy=make_policy(variant_specs=[VariantSpec("thumb", 320, 320)]))
    owner = await harness.add_user(a_phone(1))
    item = (await harness.upload_image(owner, category="<b>")).item
    async with open_console(harness) as console:
        yield console, item


def links(page: httpx.Response) -> list[str]:
    return re.findall(r'(?:href|src)="([^"]+)"', page.text)


async def test_items_have_pictures_from_the_consoles_own_paths_also_if_they_are_hidden(
    shown: tuple[ConsoleDriver, MediaItem],
) -> None:
    console, item = shown
    page = await console.get("/library")
    path = f"{LIBRARY}/{item.id}"
    assert {path, f"{path}/thumbnail", f"/console/users/{item.owner_id}"} <= {*links(page)}
    assert all(link.startswith(("/", "#")) for link in links(page))
    assert item.storage_key not in page.text
    details = await console.get(f"/library/{item.id}")
    assert f"{path}/image" in links(details)
    assert "&lt;b&gt;" in details.text

    await console.harness.library.moderate_items.hide(BY_COMMAND, item.id, REASON)
    for name, key in (("thumbnail", item.thumbnail.storage_key), ("image", item.storage_key)):
        content = console.harness.files.contents[key]
        response = await console.http.get(f"{path}/{name}")
        assert (response.status_code, response.content) == (200, content)
        assert response.headers["content-type"] == "image/gif"
        assert response.headers["cache-control"] == "no-store"
        head = await console.http.head(f"{path}/{name}")
        assert head.headers["content-length"] == str(len(content))


async def test_an_item_is_hidden_shown_again_and_deleted_from_its_page(
    shown: tuple[ConsoleDriver, MediaItem],
) -> None:
    console, item = shown
    path = f"{LIBRARY}/{item.id}"
    for act, location, text in (
        ("hide", f"{path}?done=item_hidden", "The picture is hidden."),
        ("unhide", f"{path}?done=item_unhidden", "The picture is shown again."),
        ("hide", f"{path}?done=item_hidden", "whoever has the URL of the file can open it"),
        ("delete", f"{LIBRARY}?done=item_deleted", "The picture is deleted."),
    ):
        done = await console.post(f"/library/{item.id}/{act}", reason=REASON)
        assert (done.status_code, done.headers["location"]) == (303, location)
        assert text in (await console.http.get(location)).text
    assert console.harness.files.contents == {}


async def test_a_user_is_chosen_by_a_form_so_that_no_phone_gets_into_an_address(
    shown: tuple[ConsoleDriver, MediaItem],
) -> None:
    console, item = shown
    chosen = await console.post("/library", user_id=item.owner_id, state="hidden")
    location = f"{LIBRARY}?user_id={item.owner_id}&state=hidden"
    assert (chosen.status_code, chosen.headers["location"]) == (303, location)
    assert (await console.post("/library")).headers["location"] == LIBRARY
    phone = await console.post("/library", user_id="+14155552671")
    assert (phone.status_code, "location" in phone.headers) == (400, False)
    assert "A user id has 24 hex digits." in phone.text

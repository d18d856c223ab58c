"""The library, as in the contract."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.app import Account, App, bearer
from tests.e2e.deployments import IN_EACH_DEPLOYMENT
from tests.support.images import (
    animated_gif,
    gif,
    gif_frame,
    phone_photo,
    pixel_bomb_png,
    plain_jpeg,
    transparent_png,
)

pytestmark = IN_EACH_DEPLOYMENT

FORM_CONTENT_TYPE = {"Content-Type": "multipart/form-data; boundary=b"}


async def get_page(http: httpx.AsyncClient, account: Account, **query: object) -> dict[str, Any]:
    params = {"user_id": account.user_id, **{name: str(value) for name, value in query.items()}}
    response = await http.get("/library", params=params, headers=account.headers)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


def item_ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


async def test_a_photo_is_published_upright_and_without_metadata(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    photo = phone_photo()
    item = await app.upload_item(account, photo)
    file = await http.get(item["url"])
    assert len(file.content) == item["bytes"]
    assert file.headers["content-type"] == item["content_type"] == "image/jpeg"
    assert b"Exif" not in file.content
    assert b"http://ns.adobe.com" not in file.content
    with Image.open(BytesIO(photo)) as before, Image.open(BytesIO(file.content)) as after:
        assert before.size == (after.size[1], after.size[0])


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 415, "unsupported_image_type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_image_type"),
        (b"%PDF-1.7", 415, "unsupported_image_type"),
        (b"GIF89a", 422, "invalid_image"),
        (plain_jpeg()[:-300], 422, "invalid_image"),
        (pixel_bomb_png(), 422, "invalid_image"),
        (gif(1, 1, [gif_frame(0, 0, 1, 1)] * 100_000), 422, "invalid_image"),
        (b"\xff\xd8\xff" + b"\0" * 20_000_001, 413, "file_too_large"),
    ],
    ids=["empty", "svg", "pdf", "gif header", "truncated", "pixels", "frames", "too large"],
)
async def test_files_that_are_not_valid_images_are_rejected(
    app: App, phone: str, content: bytes, status: int, code: str
) -> None:
    response = await app.upload(await app.sign_up(phone), content)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_reading_stops_at_the_limit_without_content_length(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'

    async def endless() -> AsyncIterator[bytes]:
        yield head
        for _ in range(400):
            yield b"\xff" * 100_000

    response = await http.post(
        "/library/upload", content=endless(), headers={**account.headers, **FORM_CONTENT_TYPE}
    )
    assert (response.status_code, response.json()["code"]) == (413, "file_too_large")


async def test_an_incomplete_form_has_an_error_for_each_missing_part(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    photo = ("a.jpg", phone_photo(), "image/jpeg")
    own, other = account.user_id, "a" * 24

    async def upload(**form: Any) -> tuple[int, str]:
        response = await http.post("/library/upload", headers=account.headers, **form)
        return response.status_code, response.json().get("error", "")

    no_file = (400, "No file part")
    assert await upload() == no_file
    assert await upload(json={"file": "x"}) == no_file
    assert await upload(files={"photo": photo}, data={"user_id": own}) == no_file
    assert await upload(files={"file": (None, b"text")}) == no_file
    assert await upload(files={"file": (None, b"\xff\xd8\xff")}) == no_file
    no_file_name = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--b--\r\n'
    )
    headers = {**account.headers, **FORM_CONTENT_TYPE}
    unselected = await http.post("/library/upload", content=no_file_name, headers=headers)
    assert (unselected.status_code, unselected.json()["error"]) == (400, "No selected file")
    assert await upload(files={"file": photo}) == (400, "Missing user_id")
    assert await upload(files={"file": photo}, data={"user_id": ""}) == (400, "Missing user_id")
    assert await upload(files={"file": photo}, data={"user_id": "me"}) == (400, "Invalid user id")
    assert (await upload(files={"file": photo}, data={"user_id": other}))[0] == 403
    long_category = {"user_id": own, "category": "x" * 65}
    assert (await upload(files={"file": photo}, data=long_category))[0] == 400


async def test_pages_are_newest_first_and_have_totals(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    ids = [
        (await app.upload_item(account, transparent_png(), category=f"c{number % 2}"))["id"]
        for number in range(5)
    ]

    first = await get_page(http, account, page=1, per_page=2)
    assert item_ids(first) == ids[:-3:-1]
    assert (first["page"], first["per_page"], first["total"], first["total_pages"]) == (1, 2, 5, 3)
    assert item_ids(await get_page(http, account, page=3, per_page=2)) == ids[:1]
    assert first["total_is_exact"] is True
    second = await get_page(http, account, cursor=first["next_cursor"], per_page=2)
    assert item_ids(second) == ids[2:0:-1]
    # Items are counted only without a cursor.
    assert (second["total"], second["total_is_exact"], second["total_pages"]) == (None, None, None)
    assert (await get_page(http, account, page=5000, per_page=2))["items"] == []
    assert (await get_page(http, account, per_page=1000))["per_page"] == 100
    assert (await get_page(http, account, category="c1"))["total"] == 2
    assert (await get_page(http, account, category="C1"))["total"] == 0
    assert (await get_page(http, account, type="gif"))["total"] == 0
    assert (await get_page(http, account, type="image"))["total"] == 5


async def test_only_the_owner_may_change_an_item(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    owner = await app.sign_up(phone)
    other = await app.sign_up(other_phone)
    item = await app.upload_item(owner, transparent_png(), category=" as is ")
    path = f"/library/{item['id']}"

    async def update(account: Account, category: object) -> httpx.Response:
        return await http.patch(path, json={"category": category}, headers=account.headers)

    assert (await http.get(path, headers=other.headers)).json()["category"] == " as is "
    rejected = await update(other, "mine")
    assert (rejected.status_code, rejected.json()["code"]) == (403, "forbidden")
    assert (await http.delete(path, headers=other.headers)).status_code == 403
    assert (await update(owner, "x" * 65)).status_code == 400
    assert (await update(owner, "new")).json()["category"] == "new"
    assert (await update(owner, None)).json()["category"] is None
    assert (await http.delete(path, headers=owner.headers)).status_code == 204
    assert (await http.get(path, headers=owner.headers)).status_code == 404
    assert (await http.delete(path, headers=owner.headers)).status_code == 404


async def test_a_media_file_needs_a_token_exactly_where_its_urls_expire(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    item = await app.upload_item(account, animated_gif())
    key = PurePosixPath(httpx.URL(item["url"]).path).name
    content = (await http.get(item["url"])).content
    expires = "url_expires_at" in item

    for path in (f"/media/{key}", f"/media/{'0' * 32}.gif"):
        for headers in ({}, bearer("no token")):
            response = await http.get(path, headers=headers)
            head = await http.head(path, headers=headers)
            assert response.status_code == head.status_code
            if expires:
                assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
            elif key in path:
                assert (response.status_code, response.content) == (200, content)
                assert response.headers["Cache-Control"] == "public, max-age=3600"
            else:
                assert response.status_code == 404

    response = await http.get(f"/media/{key}", headers=account.headers)
    assert (response.status_code, response.content) == (200, content)
    assert response.headers["Cache-Control"].startswith("private" if expires else "public")
    assert (await http.get(f"/media/{'0' * 32}.gif", headers=account.headers)).status_code == 404
    await http.post("/auth/logout", headers=account.headers)
    response = await http.get(f"/media/{key}", headers=account.headers)
    assert response.status_code == (401 if expires else 200)


async def test_a_page_that_was_read_before_shows_each_change_at_once(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    reader, owner = await app.sign_up(phone), await app.sign_up(other_phone)
    category = f"of {other_phone}"

    async def list_page() -> dict[str, Any]:
        params = {"category": category}
        response = await http.get("/library", params=params, headers=reader.headers)
        page: dict[str, Any] = response.json()
        return page

    async def list_ids() -> list[str]:
        first, second = [await list_page() for _ in range(2)]
        assert item_ids(first) == item_ids(second)
        assert first["total"] == second["total"] == len(first["items"])
        return item_ids(first)

    async def change(method: str, path: str, **body: Any) -> None:
        response = await http.request(method, path, headers=owner.headers, **body)
        assert response.is_success, response.text

    assert await list_ids() == []
    first, second, third = [
        (await app.upload_item(owner, plain_jpeg(), category=category))["id"] for _ in range(3)
    ]
    assert await list_ids() == [third, second, first]
    await change("PATCH", f"/library/{second}", json={"category": "another"})
    assert await list_ids() == [third, first]
    await change("DELETE", f"/library/{third}")
    assert await list_ids() == [first]
    await change("DELETE", "/users/me")
    # Until a cleanup, the total may count the items of a deleted user.
    assert item_ids(await list_page()) == []

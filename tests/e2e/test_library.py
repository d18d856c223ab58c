"""The library, as in the contract."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.app import Account, App, bearer
from tests.support.images import (
    animated_gif,
    frame_bomb_gif,
    phone_photo,
    pixel_bomb_png,
    transparent_png,
    truncated_jpeg,
)

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


async def test_the_bytes_decide_the_type(app: App, http: httpx.AsyncClient, phone: str) -> None:
    account = await app.sign_up(phone)
    for content, claimed_type, actual_type, prefix in (
        (animated_gif(), "image", "gif", b"GIF8"),
        (transparent_png(), "gif", "image", b"\x89PNG"),
    ):
        item = await app.upload_item(account, content, type=claimed_type)
        assert item["type"] == actual_type
        assert (await http.get(item["url"])).content.startswith(prefix)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 415, "unsupported_image_type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_image_type"),
        (b"%PDF-1.7", 415, "unsupported_image_type"),
        (b"GIF89a", 422, "invalid_image"),
        (truncated_jpeg(), 422, "invalid_image"),
        (pixel_bomb_png(), 422, "invalid_image"),
        (frame_bomb_gif(), 422, "invalid_image"),
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


@pytest.mark.parametrize("charset", ["idna", "punycode", "hex", "nobody-knows", '"a\0b"', "utf-16"])
async def test_a_form_with_another_charset_than_utf_8_is_rejected(
    app: App, http: httpx.AsyncClient, phone: str, charset: str
) -> None:
    account = await app.sign_up(phone)
    disposition = 'Content-Disposition: form-data; name="user_id"'
    content_type = f"Content-Type: text/plain; charset={charset}"
    form = f"--b\r\n{disposition}\r\n{content_type}\r\n\r\nx\r\n--b--"
    response = await http.post(
        "/library/upload",
        content=form.encode(),
        headers={**account.headers, **FORM_CONTENT_TYPE},
    )
    assert response.status_code == 400
    assert (await http.get("/health/live")).status_code == 200


@pytest.mark.parametrize("length", [0, 1, 20, 60, 150, -30, -5, -3])
async def test_a_truncated_form_is_rejected_and_leaves_nothing(
    app: App, http: httpx.AsyncClient, phone: str, length: int
) -> None:
    account = await app.sign_up(phone)
    request = http.build_request(
        "POST",
        "/library/upload",
        files={"file": ("a.jpg", phone_photo(), "image/jpeg")},
        data={"user_id": account.user_id},
    )
    response = await http.post(
        "/library/upload",
        content=request.read()[:length],
        headers={**account.headers, "Content-Type": request.headers["content-type"]},
    )
    assert response.status_code == 400
    assert "code" in response.json()
    assert (await get_page(http, account))["total"] == 0


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
    assert (await get_page(http, account, page=5000, per_page=2))["items"] == []
    assert (await get_page(http, account, per_page=1000))["per_page"] == 100
    assert (await get_page(http, account, category="c1"))["total"] == 2
    assert (await get_page(http, account, category="C1"))["total"] == 0
    assert (await get_page(http, account, type="gif"))["total"] == 0
    assert (await get_page(http, account, type="image"))["total"] == 5


@pytest.mark.parametrize("query", ["page=5001&per_page=2", "page=101&per_page=1000", "page=1001"])
async def test_a_page_after_ten_thousand_items_needs_a_cursor(
    app: App, http: httpx.AsyncClient, phone: str, query: str
) -> None:
    headers = bearer(await app.sign_in(phone))
    response = await http.get(f"/library?{query}", headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    [error] = response.json()["field_errors"]
    assert (error["field"], error["code"]) == ("page", "page_too_deep")
    assert "next_cursor" in error["message"]
    assert response.json()["errors"] == {"page": [error["message"]]}


async def test_with_a_cursor_no_item_is_repeated_or_skipped(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    ids = [(await app.upload_item(account, transparent_png()))["id"] for _ in range(5)]

    first = await get_page(http, account, per_page=2)
    assert item_ids(first) == [ids[4], ids[3]]
    await app.upload_item(account, transparent_png())
    assert (await http.delete(f"/library/{ids[3]}", headers=account.headers)).status_code == 204
    second = await get_page(http, account, per_page=2, cursor=first["next_cursor"])
    assert item_ids(second) == [ids[2], ids[1]]
    assert (second["page"], second["per_page"], second["total"]) == (1, 2, 5)
    last = await get_page(http, account, cursor=second["next_cursor"], page=1, per_page=1000)
    assert item_ids(last) == [ids[0]]
    assert last["next_cursor"] is None
    has_next = [
        (await get_page(http, account, per_page=2, page=number))["next_cursor"] is not None
        for number in (2, 3, 4)
    ]
    assert has_next == [True, False, False]
    gifs = await get_page(http, account, per_page=2, cursor=first["next_cursor"], type="gif")
    assert gifs["items"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=", "page"),
        ("page=1e3", "page"),
        ("page=" + "9" * 5000, "page"),
        ("per_page=0", "per_page"),
        ("type=video", "type"),
        ("user_id=me", "user_id"),
        ("cursor=abc", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=" + "0" * 37, "cursor"),
        ("cursor=" + "0" * 38 + "&page=2", "page"),
    ],
)
async def test_an_invalid_query_parameter_is_rejected_by_name(
    app: App, http: httpx.AsyncClient, phone: str, query: str, field: str
) -> None:
    headers = bearer(await app.sign_in(phone))
    response = await http.get(f"/library?{query}", headers=headers)
    assert (response.status_code, set(response.json()["errors"])) == (400, {field})


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


async def test_nothing_of_a_deleted_user_is_shown(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    owner = await app.sign_up(phone)
    other = await app.sign_up(other_phone)
    category = f"of {phone}"
    item = await app.upload_item(owner, transparent_png(), category=category)
    await http.delete("/users/me", headers=owner.headers)
    page = await http.get("/library", params={"category": category}, headers=other.headers)
    assert page.json()["items"] == []
    assert (await http.get(f"/library/{item['id']}", headers=other.headers)).status_code == 404
    assert (await http.get(item["url"])).status_code == 404


async def test_an_administrator_may_act_for_others(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    member = await app.sign_up(phone)
    admin = await app.promote(await app.sign_up(other_phone))
    for_member = Account(admin.phone, admin.token, member.user_id)
    item = await app.upload_item(for_member, animated_gif())
    assert item["user_id"] == member.user_id
    deleted = await http.delete(f"/library/{item['id']}", headers=admin.headers)
    assert deleted.status_code == 204


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


async def test_head_of_a_media_file_has_the_headers_of_get(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    item = await app.upload_item(account, animated_gif())
    path = f"/media/{PurePosixPath(httpx.URL(item['url']).path).name}"

    get = await http.get(path, headers=account.headers)
    head = await http.head(path, headers=account.headers)

    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "Content-Type", "Cache-Control", "Content-Security-Policy"):
        assert head.headers[name] == get.headers[name]
    assert int(head.headers["Content-Length"]) == item["bytes"]

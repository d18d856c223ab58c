"""The library, as the contract has it."""

from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.app import Account, App, bearer
from tests.images import (
    animated_gif,
    frame_bomb_gif,
    phone_photo,
    pixel_bomb_png,
    transparent_png,
    truncated_jpeg,
)


async def test_a_photo_is_published_upright_and_tells_no_place(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone)
    photo = phone_photo()
    item = await app.uploaded(account, photo)
    opened = await http.get(item["url"])
    assert len(opened.content) == item["bytes"]
    assert opened.headers["content-type"] == item["content_type"] == "image/jpeg"
    assert b"Exif" not in opened.content
    assert b"http://ns.adobe.com" not in opened.content
    with Image.open(BytesIO(photo)) as before, Image.open(BytesIO(opened.content)) as after:
        assert before.size == (after.size[1], after.size[0])


async def test_the_bytes_decide_the_type(app: App, http: httpx.AsyncClient, phone: str) -> None:
    account = await app.join(phone)
    for content, claim, kind, magic in (
        (animated_gif(), "image", "gif", b"GIF8"),
        (transparent_png(), "gif", "image", b"\x89PNG"),
    ):
        item = await app.uploaded(account, content, type=claim)
        assert item["type"] == kind
        assert (await http.get(item["url"])).content.startswith(magic)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 415, "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "not_an_image"),
        (b"%PDF-1.7", 415, "not_an_image"),
        (b"GIF89a", 422, "picture_refused"),
        (truncated_jpeg(), 422, "picture_refused"),
        (pixel_bomb_png(), 422, "picture_refused"),
        (frame_bomb_gif(), 422, "picture_refused"),
        (b"\xff\xd8\xff" + b"\0" * 20_000_001, 413, "file_too_large"),
    ],
    ids=["empty", "svg", "pdf", "gif head", "truncated", "pixels", "frames", "too large"],
)
async def test_what_is_no_picture_that_we_serve_is_refused(
    app: App, phone: str, content: bytes, status: int, code: str
) -> None:
    answer = await app.upload(await app.join(phone), content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_reading_stops_at_the_limit_when_no_length_was_announced(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone)
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'

    async def endless() -> Any:
        yield head
        for _ in range(400):
            yield b"\xff" * 100_000

    answer = await http.post(
        "/library/upload",
        content=endless(),
        headers={**account.headers, "Content-Type": "multipart/form-data; boundary=b"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")


async def test_a_form_that_lacks_something_is_told_what(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone)
    photo = ("a.jpg", phone_photo(), "image/jpeg")
    own, other = account.user_id, "a" * 24

    async def told(status: int, **form: Any) -> str:
        answer = await http.post("/library/upload", headers=account.headers, **form)
        assert answer.status_code == status, answer.text
        sentence: str = answer.json().get("error", "")
        return sentence

    assert await told(400) == "No file part"
    assert await told(400, json={"file": "x"}) == "No file part"
    assert await told(400, files={"photo": photo}, data={"user_id": own}) == "No file part"
    assert await told(400, files={"file": (None, b"text")}) == "No file part"
    assert await told(400, files={"file": (None, b"\xff\xd8\xff")}) == "No file part"
    nameless = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--b--\r\n'
    )
    form = {**account.headers, "Content-Type": "multipart/form-data; boundary=b"}
    unselected = await http.post("/library/upload", content=nameless, headers=form)
    assert (unselected.status_code, unselected.json()["error"]) == (400, "No selected file")
    assert await told(400, files={"file": photo}) == "Missing user_id"
    assert await told(400, files={"file": photo}, data={"user_id": ""}) == "Missing user_id"
    assert await told(400, files={"file": photo}, data={"user_id": "me"}) == "Invalid user id"
    await told(403, files={"file": photo}, data={"user_id": other})
    await told(400, files={"file": photo}, data={"user_id": own, "category": "x" * 65})


@pytest.mark.parametrize("charset", ["idna", "punycode", "hex", "nobody-knows", '"a\0b"', "utf-16"])
async def test_the_text_of_a_form_is_utf_8_whatever_it_says(
    app: App, http: httpx.AsyncClient, phone: str, charset: str
) -> None:
    account = await app.join(phone)
    head = 'Content-Disposition: form-data; name="user_id"'
    form = f"--b\r\n{head}\r\nContent-Type: text/plain; charset={charset}\r\n\r\nx\r\n--b--"
    answer = await http.post(
        "/library/upload",
        content=form.encode(),
        headers={**account.headers, "Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 400
    assert (await http.get("/health/live")).status_code == 200


@pytest.mark.parametrize("cut", [0, 1, 20, 60, 150, -30, -5, -3])
async def test_a_form_cut_anywhere_is_refused_and_leaves_nothing(
    app: App, http: httpx.AsyncClient, phone: str, cut: int
) -> None:
    account = await app.join(phone)
    request = http.build_request(
        "POST",
        "/library/upload",
        files={"file": ("a.jpg", phone_photo(), "image/jpeg")},
        data={"user_id": account.user_id},
    )
    answer = await http.post(
        "/library/upload",
        content=request.read()[:cut],
        headers={**account.headers, "Content-Type": request.headers["content-type"]},
    )
    assert answer.status_code == 400
    assert "code" in answer.json()
    listed = await http.get(f"/library?user_id={account.user_id}", headers=account.headers)
    assert listed.json()["total"] == 0


async def test_pages_are_newest_first_and_say_how_many_there_are(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone)
    ids = [
        (await app.uploaded(account, transparent_png(), category=f"c{number % 2}"))["id"]
        for number in range(5)
    ]

    async def page(**query: object) -> dict[str, Any]:
        params = {"user_id": account.user_id, **{k: str(v) for k, v in query.items()}}
        answer = await http.get("/library", params=params, headers=account.headers)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    first = await page(page=1, per_page=2)
    assert [one["id"] for one in first["items"]] == ids[:-3:-1]
    assert (first["page"], first["per_page"], first["total"], first["total_pages"]) == (1, 2, 5, 3)
    assert [one["id"] for one in (await page(page=3, per_page=2))["items"]] == ids[:1]
    assert (await page(page=10**17, per_page=2))["items"] == []
    assert (await page(per_page=1000))["per_page"] == 100
    assert (await page(category="c1"))["total"] == 2
    assert (await page(category="C1"))["total"] == 0
    assert (await page(type="gif"))["total"] == 0
    assert (await page(type="image"))["total"] == 5


async def test_by_cursor_nothing_comes_twice_and_nothing_is_left_out(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone)
    ids = [(await app.uploaded(account, transparent_png()))["id"] for _ in range(5)]

    async def page(**query: object) -> dict[str, Any]:
        params = {
            "user_id": account.user_id,
            "per_page": "2",
            **{k: str(v) for k, v in query.items()},
        }
        answer = await http.get("/library", params=params, headers=account.headers)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    first = await page()
    assert [one["id"] for one in first["items"]] == [ids[4], ids[3]]
    await app.uploaded(account, transparent_png())
    assert (await http.delete(f"/library/{ids[3]}", headers=account.headers)).status_code == 204
    second = await page(cursor=first["next_cursor"])
    assert [one["id"] for one in second["items"]] == [ids[2], ids[1]]
    assert (second["page"], second["per_page"], second["total"]) == (1, 2, 5)
    last = await page(cursor=second["next_cursor"], page=1, per_page=1000)
    assert [one["id"] for one in last["items"]] == [ids[0]]
    assert last["next_cursor"] is None
    assert (await page(page=2))["next_cursor"] is not None
    assert (await page(page=3))["next_cursor"] is None
    assert (await page(page=4))["next_cursor"] is None
    assert (await page(cursor=first["next_cursor"], type="gif"))["items"] == []


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
async def test_a_query_that_cannot_be_is_refused_by_name(
    app: App, http: httpx.AsyncClient, phone: str, query: str, field: str
) -> None:
    headers = bearer(await app.sign_in(phone))
    answer = await http.get(f"/library?{query}", headers=headers)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {field})


async def test_an_item_is_its_owners_to_change(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    owner = await app.join(phone)
    stranger = await app.join(phone.replace("+1415556", "+1415558"))
    item = await app.uploaded(owner, transparent_png(), category=" as is ")
    path = f"/library/{item['id']}"

    async def change(who: Account, category: object) -> httpx.Response:
        return await http.patch(path, json={"category": category}, headers=who.headers)

    assert (await http.get(path, headers=stranger.headers)).json()["category"] == " as is "
    assert (await change(stranger, "mine")).status_code == 403
    assert (await http.delete(path, headers=stranger.headers)).status_code == 403
    assert (await change(owner, "x" * 65)).status_code == 400
    assert (await change(owner, "new")).json()["category"] == "new"
    assert (await change(owner, None)).json()["category"] is None
    assert (await http.delete(path, headers=owner.headers)).status_code == 204
    assert (await http.get(path, headers=owner.headers)).status_code == 404
    assert (await http.delete(path, headers=owner.headers)).status_code == 404


async def test_nothing_of_who_left_is_shown(app: App, http: httpx.AsyncClient, phone: str) -> None:
    owner = await app.join(phone)
    stranger = await app.join(phone.replace("+1415556", "+1415558"))
    item = await app.uploaded(owner, transparent_png(), category=f"of {phone}")
    await http.delete("/users/me", headers=owner.headers)
    listed = await http.get(
        "/library", params={"category": f"of {phone}"}, headers=stranger.headers
    )
    assert listed.json()["items"] == []
    assert (await http.get(f"/library/{item['id']}", headers=stranger.headers)).status_code == 404
    assert (await http.get(item["url"])).status_code == 404


async def test_an_administrator_acts_for_others(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    member = await app.join(phone)
    chief = await app.join(phone.replace("+1415556", "+1415558"))
    assert app.service.run("promote", chief.user_id).returncode == 0
    item = await app.uploaded(Account(chief.phone, chief.token, member.user_id), animated_gif())
    assert item["user_id"] == member.user_id
    deleted = await http.delete(f"/library/{item['id']}", headers=chief.headers)
    assert deleted.status_code == 204

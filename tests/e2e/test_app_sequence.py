"""The app's whole way through the service."""

from datetime import datetime
from io import BytesIO

import httpx
from PIL import Image

from tests.e2e.app import App, bearer
from tests.images import phone_photo


async def test_the_app_goes_from_asking_for_a_code_to_signing_out(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    asked = (await http.post("/auth/request-otp", json={"phone": phone})).json()
    assert asked["message"] == "OTP sent"
    assert asked["sent"] is True
    again = (await http.post("/auth/request-otp", json={"phone": phone})).json()
    assert again["sent"] is False
    assert again["request_id"] == asked["request_id"]

    answer = {"phone": phone, "otp": app.service.code(phone), "request_id": asked["request_id"]}
    verified = (await http.post("/auth/verify-otp", json=answer)).json()
    assert verified["success"] is True
    assert verified["message"] == "OTP verified"
    headers = bearer(verified["access_token"])

    before = await http.get("/users/me", headers=headers)
    assert (before.status_code, before.json()["error"]) == (404, "User not found")
    user = {"username": "Asha  Rao ", "number": phone}
    created = await http.post("/users", json=user, headers=headers)
    assert created.status_code == 201
    assert created.json()["message"] == "User created"
    same = await http.post("/users", json=user, headers=headers)
    assert (same.status_code, same.json()["user_id"]) == (201, created.json()["user_id"])
    me = (await http.get("/users/me", headers=headers)).json()
    assert me["_id"] == created.json()["user_id"]
    assert me["username"] == "Asha Rao"
    assert me["number"] == phone
    assert datetime.fromisoformat(me["created_on"]).tzinfo is not None

    uploaded = await http.post(
        "/library/upload",
        files={"file": ("IMG_0001.JPG", phone_photo(), "image/jpeg")},
        data={"user_id": me["_id"], "type": "gif", "category": "Holi 2026"},
        headers=headers,
    )
    assert uploaded.status_code == 201
    item = uploaded.json()
    assert item["message"] == "File uploaded"
    assert item["type"] == "image"
    assert item["category"] == "Holi 2026"

    listed = (await http.get("/library", params={"user_id": me["_id"]}, headers=headers)).json()
    assert [one["id"] for one in listed["items"]] == [item["id"]]
    assert (listed["total"], listed["total_pages"]) == (1, 1)

    opened = await http.get(item["url"])
    assert opened.status_code == 200
    assert opened.headers["content-type"] == "image/jpeg"
    with Image.open(BytesIO(opened.content)) as picture:
        assert picture.size == (item["width"], item["height"])
        assert not picture.getexif()

    deleted = await http.delete(f"/library/{item['id']}", headers=headers)
    assert deleted.status_code == 204
    assert (await http.get(item["url"])).status_code == 404
    assert (await http.post("/auth/logout", headers=headers)).status_code == 204
    after = await http.get("/users/me", headers=headers)
    assert after.status_code == 401
    assert after.json()["code"] == "unauthenticated"
    assert after.headers["www-authenticate"] == "Bearer"

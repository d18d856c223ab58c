"""All requests of the mobile app in their order, from the first code to signing out."""

from datetime import datetime
from io import BytesIO

import httpx
from PIL import Image

from tests.e2e.app import App, bearer
from tests.e2e.deployments import IN_EACH_DEPLOYMENT
from tests.support.images import phone_photo

pytestmark = IN_EACH_DEPLOYMENT


async def test_the_mobile_app_signs_in_uploads_and_signs_out(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    requested = (await http.post("/auth/request-otp", json={"phone": phone})).json()
    assert requested["message"] == "OTP sent"
    assert requested["sent"] is True
    repeated = (await http.post("/auth/request-otp", json={"phone": phone})).json()
    assert repeated["sent"] is False
    assert repeated["request_id"] != requested["request_id"]

    body = {
        "phone": phone,
        "otp": app.service.code(phone),
        "request_id": requested["request_id"],
    }
    verified = (await http.post("/auth/verify-otp", json=body)).json()
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
    found = await http.get(created.headers["location"], headers=headers)
    assert found.json()["_id"] == created.json()["user_id"] == verified["user_id"]
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
    found = await http.get(uploaded.headers["location"], headers=headers)
    assert found.json()["id"] == item["id"]

    page = (await http.get("/library", params={"user_id": me["_id"]}, headers=headers)).json()
    assert [listed["id"] for listed in page["items"]] == [item["id"]]
    assert (page["total"], page["total_pages"]) == (1, 1)

    file, thumbnail = [
        await http.get(url) for url in (item["url"], page["items"][0]["variants"]["thumb"])
    ]
    for served in (file, thumbnail):
        assert (served.status_code, served.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(BytesIO(file.content)) as image:
        assert image.size == (item["width"], item["height"])
        assert not image.getexif()

    deleted = await http.delete(f"/library/{item['id']}", headers=headers)
    assert deleted.status_code == 204
    assert (await http.get(item["url"])).status_code == 404
    assert (await http.post("/auth/logout", headers=headers)).status_code == 204
    after = await http.get("/users/me", headers=headers)
    assert after.status_code == 401
    assert after.json()["code"] == "unauthenticated"
    assert after.headers["www-authenticate"] == 'Bearer error="invalid_token"'

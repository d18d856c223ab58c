"""Responses name the user and the item that exist now."""

import httpx

from tests.e2e.app import App, bearer
from tests.support.images import plain_jpeg


async def test_a_login_names_the_user_and_a_created_resource_has_a_location(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    async def verify() -> dict[str, str | None]:
        await http.post("/auth/request-otp", json={"phone": phone})
        code = app.service.code(phone, len(app.service.messages(phone)))
        response = await http.post("/auth/verify-otp", json={"phone": phone, "otp": code})
        return dict(response.json())

    first = await verify()
    user_id, headers = first["user_id"], bearer(str(first["access_token"]))
    assert first["username"] is None
    for _ in range(2):
        body = {"username": "Asha Rao", "number": phone}
        created = await http.post("/users", json=body, headers=headers)
        assert created.status_code == 201
        user = await http.get(created.headers["location"], headers=headers)
        assert user.json()["_id"] == user_id
    second = await verify()
    assert (second["user_id"], second["username"]) == (user_id, "Asha Rao")

    for _ in range(2):
        uploaded = await http.post(
            "/library/upload",
            files={"file": ("IMG_0001.JPG", plain_jpeg(8, 8), "image/jpeg")},
            data={"user_id": str(user_id)},
            headers={**headers, "Idempotency-Key": "one-upload"},
        )
        assert uploaded.status_code == 201
        item = await http.get(uploaded.headers["location"], headers=headers)
        assert item.json()["id"] == uploaded.json()["id"]

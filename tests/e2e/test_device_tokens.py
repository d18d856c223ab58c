"""Device tokens."""

import httpx

from tests.e2e.app import App


async def test_a_device_token_is_returned_and_keeps_requests_possible(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    async def request(device_token: object) -> httpx.Response:
        body = {"phone": phone, "device_token": device_token}
        return await http.post("/auth/request-otp", json=body)

    assert (await request(5)).json()["sent"] is True
    body = {"phone": phone, "otp": app.service.code(phone), "device_token": ["x"]}
    token = (await http.post("/auth/verify-otp", json=body)).json()["device_token"]
    for _ in range(4):
        await request(None)

    assert (await request("not a token")).status_code == 429
    within_the_cooldown = await request(token)
    assert (within_the_cooldown.status_code, within_the_cooldown.json()["sent"]) == (200, False)
    body = {"phone": phone, "otp": app.service.messages(phone)[-1], "device_token": token}
    again = (await http.post("/auth/verify-otp", json=body)).json()
    assert (again["success"], again["device_token"]) == (True, token)

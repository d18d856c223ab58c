"""Codes of both APIs, and device tokens."""

import httpx

from tests.e2e.app import App

LEGACY_WRONG_CODE = "permission denied/ 403 Forbidden: Invalid OTP or Validation failed "


async def test_a_code_signs_in_once_in_either_api(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    await http.post("/authenticate/get_otp", json={"phone": phone})
    body = {"phone": phone, "otp": app.service.code(phone)}
    spaced = f"{body['otp'][:3]} - {body['otp'][3:]}"
    first = await http.post("/authenticate/validate_otp", json={**body, "otp": spaced})
    assert (first.json()["message"], first.json()["exit_code"]) == ("success", 0)
    second = await http.post("/auth/verify-otp", json=body)
    assert second.json()["success"] is False
    legacy = await http.post("/authenticate/validate_otp", json=body)
    assert (legacy.status_code, legacy.json()["error"]) == (403, LEGACY_WRONG_CODE)


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

"""Requests and verifications of codes, in both APIs."""

import httpx

from tests.e2e.app import App
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

LEGACY_WRONG_CODE = "permission denied/ 403 Forbidden: Invalid OTP or Validation failed "
LEGACY_RATE_LIMIT = "Too many requests 429 Too Many Requests: "


def wrong_code(code: str, number: int = 1) -> str:
    return f"{(int(code) + number) % 1_000_000:06d}"


def client_with_other_ip(service: Service) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2", **PLAIN_HTTP)
    return httpx.AsyncClient(base_url=service.url, transport=transport, timeout=20)


async def test_after_five_wrong_codes_the_correct_code_is_rejected(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    requested = (await http.post("/auth/request-otp", json={"phone": phone})).json()
    code = app.service.code(phone)
    body = {"phone": phone, "request_id": requested["request_id"]}
    for left in (4, 3, 2, 1, 0):
        otp = wrong_code(code, 1 + left)
        wrong = await http.post("/auth/verify-otp", json={**body, "otp": otp})
        assert wrong.status_code == 200
        assert wrong.json() == {"success": False, "message": "Invalid OTP", "attempts_left": left}
    rejected = await http.post("/auth/verify-otp", json={**body, "otp": code})
    assert (rejected.status_code, rejected.json()["code"]) == (429, "too_many_attempts")
    assert int(rejected.headers["retry-after"]) == rejected.json()["retry_after"] > 0


async def test_a_phone_without_a_request_gets_the_same_responses(
    http: httpx.AsyncClient, phone: str
) -> None:
    body = {"phone": phone, "otp": "123456"}
    for left in (4, 3, 2, 1, 0):
        wrong = await http.post("/auth/verify-otp", json={**body, "otp": f"12345{left}"})
        assert wrong.json() == {"success": False, "message": "Invalid OTP", "attempts_left": left}
    rejected = await http.post("/auth/verify-otp", json=body)
    assert rejected.status_code == 429
    legacy = await http.post("/authenticate/validate_otp", json=body)
    assert (legacy.status_code, legacy.json()["exit_code"]) == (429, 1)
    assert legacy.json()["error"].startswith(LEGACY_RATE_LIMIT)
    assert int(legacy.headers["retry-after"]) > 0


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


async def test_within_the_cooldown_each_of_three_requests_gets_an_id_of_its_own(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    first = (await http.post("/auth/request-otp", json={"phone": phone})).json()
    code = app.service.code(phone)
    async with client_with_other_ip(app.service) as other:
        later = (await other.post("/auth/request-otp", json={"phone": phone})).json()
        legacy = await other.post("/authenticate/get_otp", json={"phone": phone})
        assert (legacy.status_code, legacy.json()["exit_code"]) == (200, 0)
        body = {"phone": phone, "request_id": later["request_id"]}
        wrong = await other.post("/auth/verify-otp", json={**body, "otp": wrong_code(code)})
        assert wrong.json()["attempts_left"] == 1
    again = (await http.post("/auth/request-otp", json={"phone": phone})).json()
    assert [first["sent"], later["sent"], again["sent"]] == [True, False, False]
    assert len({first["request_id"], later["request_id"], again["request_id"]}) == 3
    rejected = await http.post("/auth/request-otp", json={"phone": phone})
    assert (rejected.status_code, rejected.json()["code"]) == (429, "rate_limited")
    assert 0 < int(rejected.headers["retry-after"]) <= 15
    assert len(app.service.messages(phone)) == 1
    body = {"phone": phone, "otp": code, "request_id": again["request_id"]}
    assert (await http.post("/auth/verify-otp", json=body)).json()["success"] is True


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


async def test_another_format_is_the_same_phone(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    formatted = f"+1 ({phone[2:5]}) {phone[5:8]}-{phone[8:]}"
    await http.post("/auth/request-otp", json={"phone": formatted})
    second = await http.post("/auth/request-otp", json={"phone": phone, "platform": "toaster"})
    assert second.json()["sent"] is False
    body = {"phone": phone.removeprefix("+"), "otp": app.service.code(phone)}
    assert (await http.post("/authenticate/validate_otp", json=body)).status_code == 200

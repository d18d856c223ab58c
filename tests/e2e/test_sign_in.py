"""Tries, repeats and refusals for rate, as both families hear of them."""

import httpx

from tests.e2e.app import App
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

WRONG = "permission denied/ 403 Forbidden: Invalid OTP or Validation failed "
TOO_MANY = "Too many requests 429 Too Many Requests: "


def not_this(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def from_elsewhere(service: Service) -> httpx.AsyncClient:
    """A client that calls from another address of this machine."""
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2", **PLAIN_HTTP)
    return httpx.AsyncClient(base_url=service.url, transport=transport, timeout=20)


async def test_five_wrong_answers_are_told_and_the_right_one_comes_too_late(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    asked = (await http.post("/auth/request-otp", json={"phone": phone})).json()
    code = app.service.code(phone)
    answer = {"phone": phone, "request_id": asked["request_id"]}
    for left in (4, 3, 2, 1, 0):
        told = await http.post("/auth/verify-otp", json={**answer, "otp": not_this(code)})
        assert told.status_code == 200
        assert told.json() == {"success": False, "message": "Invalid OTP", "attempts_left": left}
    late = await http.post("/auth/verify-otp", json={**answer, "otp": code})
    assert (late.status_code, late.json()["code"]) == (429, "too_many_tries")
    assert int(late.headers["retry-after"]) == late.json()["retry_after"] > 0


async def test_a_phone_that_never_asked_gets_the_same_answers(
    http: httpx.AsyncClient, phone: str
) -> None:
    for left in (4, 3, 2, 1, 0):
        told = await http.post("/auth/verify-otp", json={"phone": phone, "otp": "123456"})
        assert told.json() == {"success": False, "message": "Invalid OTP", "attempts_left": left}
    late = await http.post("/auth/verify-otp", json={"phone": phone, "otp": "123456"})
    assert late.status_code == 429
    older = await http.post("/authenticate/validate_otp", json={"phone": phone, "otp": "123456"})
    assert (older.status_code, older.json()["exit_code"]) == (429, 1)
    assert older.json()["error"].startswith(TOO_MANY)
    assert int(older.headers["retry-after"]) > 0


async def test_a_code_signs_in_once_and_in_either_family(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    await http.post("/authenticate/get_otp", json={"phone": phone})
    answer = {"phone": phone, "otp": app.service.code(phone)}
    spaced = f"{answer['otp'][:3]} - {answer['otp'][3:]}"
    right = await http.post("/authenticate/validate_otp", json={**answer, "otp": spaced})
    assert (right.json()["message"], right.json()["exit_code"]) == ("success", 0)
    again = await http.post("/auth/verify-otp", json=answer)
    assert again.json()["success"] is False
    older = await http.post("/authenticate/validate_otp", json=answer)
    assert (older.status_code, older.json()["error"]) == (403, WRONG)


async def test_a_repeat_from_elsewhere_is_refused_and_sends_nothing(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    first = await http.post("/auth/request-otp", json={"phone": phone})
    app.service.code(phone)
    async with from_elsewhere(app.service) as elsewhere:
        refused = await elsewhere.post("/auth/request-otp", json={"phone": phone})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_asks")
        assert 0 < int(refused.headers["retry-after"]) <= 15
        older = await elsewhere.post("/authenticate/get_otp", json={"phone": phone})
        assert (older.status_code, older.json()["exit_code"]) == (429, 1)
        assert older.json()["error"].startswith(TOO_MANY)
    again = (await http.post("/auth/request-otp", json={"phone": phone})).json()
    assert (again["sent"], again["request_id"]) == (False, first.json()["request_id"])
    assert len(app.service.messages(phone)) == 1


async def test_another_spelling_is_the_same_phone(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    spelled = f"+1 ({phone[2:5]}) {phone[5:8]}-{phone[8:]}"
    asked = (await http.post("/auth/request-otp", json={"phone": spelled})).json()
    again = await http.post("/auth/request-otp", json={"phone": phone, "platform": "toaster"})
    assert again.json()["request_id"] == asked["request_id"]
    answer = {"phone": phone.removeprefix("+"), "otp": app.service.code(phone)}
    assert (await http.post("/authenticate/validate_otp", json=answer)).status_code == 200

"""An operator blocks a phone while the service runs; it takes effect at once."""

import httpx

from tests.e2e.app import App, bearer


async def test_a_blocked_phone_is_signed_out_at_once(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)

    blocked = app.service.run("block", phone)

    masked = f"+1********{phone[-2:]}"
    assert (blocked.returncode, blocked.stdout) == (0, f"{masked} is blocked now.\n")
    assert phone not in blocked.stderr
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401
    unblocked = app.service.run("unblock", phone)
    message = f"{masked} is not blocked now.\n"
    assert (unblocked.returncode, unblocked.stdout) == (0, message)
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401


async def test_a_blocked_phone_gets_the_usual_response_but_no_message(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    assert app.service.run("block", phone).returncode == 0

    blocked, usual = [
        (await http.post("/auth/request-otp", json={"phone": number})).json()
        for number in (phone, other_phone)
    ]

    assert blocked.pop("request_id") != usual.pop("request_id")
    assert blocked == usual
    # This message is sent after the one for the blocked phone would have been.
    app.service.code(other_phone)
    assert app.service.messages(phone) == []


async def test_an_unblocked_phone_can_sign_in_again(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    await http.post("/auth/request-otp", json={"phone": phone})
    body = {"phone": phone, "otp": app.service.code(phone)}
    assert app.service.run("block", phone).returncode == 0
    rejected = await http.post("/auth/verify-otp", json=body)
    assert rejected.json() == {"success": False, "message": "Invalid OTP", "attempts_left": 4}

    assert app.service.run("unblock", phone).returncode == 0

    token = (await http.post("/auth/verify-otp", json=body)).json()["access_token"]
    user = {"username": f"Back {phone}", "number": phone}
    assert (await http.post("/users", json=user, headers=bearer(token))).status_code == 201

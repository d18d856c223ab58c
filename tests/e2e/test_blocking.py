"""An operator blocks a phone beside the running service; it acts at once."""

import httpx

from tests.e2e.app import App, bearer


async def test_a_blocked_phone_is_signed_out_at_once(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone)

    blocked = app.service.run("block", phone)

    masked = f"+1********{phone[-2:]}"
    assert (blocked.returncode, blocked.stdout) == (0, f"{masked} is blocked now.\n")
    assert phone not in blocked.stderr
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401
    unblocked = app.service.run("unblock", phone)
    told = f"{masked} is not blocked now.\n"
    assert (unblocked.returncode, unblocked.stdout) == (0, told)
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401


async def test_what_is_asked_for_while_blocked_is_sent_to_nobody(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    other = phone.replace("+1415556", "+1415558")
    assert app.service.run("block", phone).returncode == 0

    asked = [await http.post("/auth/request-otp", json={"phone": one}) for one in (phone, other)]

    told, usual = (answer.json() for answer in asked)
    assert told.pop("request_id") != usual.pop("request_id")
    assert told == usual
    # The other's message comes after where this one's would have been.
    app.service.code(other)
    assert app.service.messages(phone) == []


async def test_who_is_unblocked_signs_in_as_who_it_was(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    await http.post("/auth/request-otp", json={"phone": phone})
    answer = {"phone": phone, "otp": app.service.code(phone)}
    assert app.service.run("block", phone).returncode == 0
    refused = await http.post("/auth/verify-otp", json=answer)
    assert refused.json() == {"success": False, "message": "Invalid OTP", "attempts_left": 4}

    assert app.service.run("unblock", phone).returncode == 0

    token = (await http.post("/auth/verify-otp", json=answer)).json()["access_token"]
    body = {"username": f"Back {phone}", "number": phone}
    assert (await http.post("/users", json=body, headers=bearer(token))).status_code == 201

"""Commands of an operator, which take effect at once in the running service."""

from dataclasses import replace

import httpx

from tests.e2e.app import App
from tests.support.images import still_gif


async def test_a_blocked_phone_is_signed_out_and_gets_no_message_until_it_is_unblocked(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    account = await app.sign_up(phone)
    masked = f"+1********{phone[-2:]}"

    signed_out = app.service.run("sign-out", phone)
    expected = f"{masked} is signed out; revoked sessions: 1.\n"
    assert (signed_out.returncode, signed_out.stdout) == (0, expected)
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401
    account = replace(account, token=await app.sign_in(phone))

    blocked = app.service.run("block", phone)

    assert (blocked.returncode, blocked.stdout) == (0, f"{masked} is blocked now.\n")
    assert phone not in signed_out.stderr + blocked.stderr
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401
    # The sign-in has ended the cooldown of the blocked phone.
    requested, usual = [
        (await http.post("/auth/request-otp", json={"phone": number})).json()
        for number in (phone, other_phone)
    ]
    assert requested.pop("request_id") != usual.pop("request_id")
    assert requested == usual
    # This message is sent after the one for the blocked phone would have been.
    app.service.code(other_phone)
    assert len(app.service.messages(phone)) == 2

    unblocked = app.service.run("unblock", phone)
    message = f"{masked} is not blocked now.\n"
    assert (unblocked.returncode, unblocked.stdout) == (0, message)
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401


async def test_media_check_finds_and_repairs_items_without_files_and_files_without_items(
    app: App, phone: str
) -> None:
    account = await app.sign_up(phone)
    folder = app.service.folder / "media"
    keys = {}
    for _ in range(2):
        item = await app.upload_item(account, still_gif())
        keys[item["id"]] = item["url"].partition("/media/")[2]
    lost_id, lost_key = keys.popitem()
    orphan = lost_key.replace(lost_key[-8:], "0000.gif")
    (folder / lost_key).rename(folder / orphan)

    found = app.service.run("media", "check")
    assert (found.returncode, "dialtone media check --repair" in found.stderr) == (1, True)
    assert f"file without an item: {orphan}\n" in found.stdout
    assert f"item without its file: {lost_id}\n" in found.stdout

    repaired = app.service.run("media", "check", "--repair")
    assert (repaired.returncode, "repaired: 2" in repaired.stdout) == (0, True)
    assert not (folder / orphan).exists()
    response = await app.http.get(f"/library/{lost_id}", headers=account.headers)
    assert response.status_code == 404
    assert app.service.run("media", "check").returncode == 0

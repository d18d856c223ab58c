"""What operators do to phones and users beside the running service; it acts at once."""

import httpx
import pytest

from tests.e2e.app import App


async def test_a_phone_that_is_signed_out_has_to_sign_in_again(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    masked = f"+1********{phone[-2:]}"

    for ended in (1, 0):
        signed_out = app.service.run("sign-out", phone)
        told = f"{masked} is signed out; sessions ended: {ended}.\n"
        assert (signed_out.returncode, signed_out.stdout) == (0, told)
        assert phone not in signed_out.stderr
        assert (await http.get("/users/me", headers=account.headers)).status_code == 401


@pytest.mark.parametrize("command", ["sign-out", "demote"])
def test_a_phone_that_is_nobodys_is_told(app: App, phone: str, command: str) -> None:
    refused = app.service.run(command, phone)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert len(refused.stderr.splitlines()) == 1
    assert refused.stderr.startswith("Nobody ")


async def test_an_administrator_is_one_from_one_command_to_the_other(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    other = await app.sign_up(phone.replace("+1415556", "+1415557"))

    async def sees_all() -> bool:
        shown = await http.get(f"/users/{other.user_id}", headers=account.headers)
        return bool(shown.json()["number"] == other.phone)

    assert not await sees_all()
    promoted = app.service.run("promote", phone)
    assert promoted.stdout == f"{account.user_id} is an administrator from now on.\n"
    assert await sees_all()
    for user in (account.user_id, phone):
        demoted = app.service.run("demote", user)
        assert demoted.stdout == f"{account.user_id} is no administrator from now on.\n"
        assert not await sees_all()

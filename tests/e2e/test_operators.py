"""Commands of an operator, which take effect at once in the running service."""

from dataclasses import replace

import httpx
import pytest

from tests.e2e.app import App


async def test_sign_out_revokes_all_sessions_of_a_phone(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    masked = f"+1********{phone[-2:]}"

    for revoked in (1, 0):
        signed_out = app.service.run("sign-out", phone)
        expected = f"{masked} is signed out; revoked sessions: {revoked}.\n"
        assert (signed_out.returncode, signed_out.stdout) == (0, expected)
        assert phone not in signed_out.stderr
        assert (await http.get("/users/me", headers=account.headers)).status_code == 401


@pytest.mark.parametrize("command", ["sign-out", "demote"])
def test_a_phone_without_a_user_is_an_error(app: App, phone: str, command: str) -> None:
    failed = app.service.run(command, phone)

    assert (failed.returncode, failed.stdout) == (1, "")
    assert len(failed.stderr.splitlines()) == 1
    assert failed.stderr.startswith("There is no such user")


@pytest.mark.parametrize("user_id", ["68b1c0a5d2f04e7a9c3b1d20", "nonsense"])
def test_only_a_detached_identity_is_restored(app: App, user_id: str) -> None:
    failed = app.service.run("restore-identity", user_id)

    assert (failed.returncode, failed.stdout) == (1, "")
    assert len(failed.stderr.splitlines()) == 1
    assert "identity" in failed.stderr


async def test_promote_and_demote_change_what_a_user_may_see(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone)
    other = await app.sign_up(phone.replace("+1415556", "+1415557"))

    async def sees_full_number() -> bool:
        shown = await http.get(f"/users/{other.user_id}", headers=account.headers)
        return bool(shown.json()["number"] == other.phone)

    assert not await sees_full_number()
    promoted = app.service.run("promote", phone)
    assert promoted.stdout.startswith(f"{account.user_id} is an administrator now. ")
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401
    account = replace(account, token=await app.sign_in(phone))
    assert await sees_full_number()
    for user in (account.user_id, phone):
        demoted = app.service.run("demote", user)
        assert demoted.stdout == f"{account.user_id} is a member now.\n"
        assert not await sees_full_number()

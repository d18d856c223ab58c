"""Users, as in the contract."""

import httpx
import pytest

from tests.e2e.app import App, bearer


async def test_a_second_username_for_a_phone_is_a_conflict_with_the_own_user(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.sign_up(phone, f"First {phone}")
    body = {"username": f"Second {phone}", "number": phone}
    conflict = await http.post("/users", json=body, headers=account.headers)
    assert conflict.status_code == 409
    assert conflict.json()["error"] == "Phone number already in use"
    assert conflict.json()["user_id"] == account.user_id
    assert conflict.json()["username"] == f"First {phone}"


async def test_a_username_in_use_is_a_conflict_regardless_of_case(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    await app.sign_up(phone, f"Straße {phone}")
    token = await app.sign_in(other_phone)
    body = {"username": f"STRASSE  {phone}", "number": other_phone}
    conflict = await http.post("/users", json=body, headers=bearer(token))
    assert (conflict.status_code, conflict.json()["error"]) == (409, "Username already in use")


async def test_if_phone_and_username_are_in_use_the_error_is_about_the_phone(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    await app.sign_up(other_phone, f"Taken {phone}")
    account = await app.sign_up(phone)
    body = {"username": f"Taken {phone}", "number": phone}
    conflict = await http.post("/users", json=body, headers=account.headers)
    assert (conflict.status_code, conflict.json()["error"]) == (409, "Phone number already in use")


async def test_a_client_creates_neither_another_user_nor_an_administrator(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    headers = bearer(await app.sign_in(phone))
    foreign = {"username": "Somebody", "number": "+14155559999", "admin": True}
    rejected = await http.post("/users", json=foreign, headers=headers)
    assert (rejected.status_code, rejected.json()["code"]) == (403, "phone_mismatch")
    own = {"username": f"Not admin {phone}", "number": phone, "admin": True}
    created = await http.post("/users", json=own, headers=headers)
    assert (created.status_code, created.json()["admin"]) == (201, False)


async def test_an_administrator_creates_users_for_others_and_sees_full_numbers(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    account = await app.promote(await app.sign_up(phone))
    body = {"username": f"Made {phone}", "number": other_phone}
    created = await http.post("/users", json=body, headers=account.headers)
    assert created.status_code == 201
    user_id = created.json()["user_id"]
    repeated = await http.post("/users", json=body, headers=account.headers)
    assert (repeated.status_code, repeated.json()["user_id"]) == (201, user_id)
    user = await http.get(f"/users/{user_id}", headers=account.headers)
    assert (user.json()["number"], user.json()["admin"]) == (other_phone, False)
    # A sign-in with that phone is a sign-in as that user.
    me = await http.get("/users/me", headers=bearer(await app.sign_in(other_phone)))
    assert me.json()["_id"] == user_id


async def test_another_users_number_is_masked_and_their_role_is_hidden(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    account = await app.sign_up(phone)
    other = await app.sign_up(other_phone)
    seen_by_other = await http.get(f"/users/{account.user_id}", headers=other.headers)
    assert seen_by_other.json()["number"] == f"+1********{phone[-2:]}"
    assert "admin" not in seen_by_other.json()
    seen_by_owner = await http.get(f"/users/{account.user_id}", headers=account.headers)
    assert seen_by_owner.json()["number"] == phone
    assert seen_by_owner.json()["admin"] is False


async def test_after_a_rename_the_old_username_is_free(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    account = await app.sign_up(phone, f"Old {phone}")
    body = {"username": f" New   {phone} "}
    renamed = await http.patch("/users/me", json=body, headers=account.headers)
    assert (renamed.status_code, renamed.json()["username"]) == (200, f"New {phone}")
    await app.sign_up(other_phone, f"Old {phone}")


@pytest.mark.parametrize("username", ["", " ", "x", "x" * 65, "a\u0000b", "a\nb", "\u202eabc", 7])
async def test_an_invalid_username_is_rejected(
    app: App, http: httpx.AsyncClient, phone: str, username: object
) -> None:
    account = await app.sign_up(phone)
    response = await http.patch("/users/me", json={"username": username}, headers=account.headers)
    assert (response.status_code, set(response.json()["errors"])) == (400, {"username"})


async def test_a_deleted_user_is_gone_at_once_and_the_username_stays_reserved(
    app: App, http: httpx.AsyncClient, phone: str, other_phone: str
) -> None:
    account = await app.sign_up(phone, f"Leaver {phone}")
    other = await app.sign_up(other_phone)
    assert (await http.delete("/users/me", headers=account.headers)).status_code == 204
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401
    user = await http.get(f"/users/{account.user_id}", headers=other.headers)
    assert user.status_code == 404
    body = {"username": f"Leaver {phone}"}
    conflict = await http.patch("/users/me", json=body, headers=other.headers)
    assert (conflict.status_code, conflict.json()["error"]) == (409, "Username already in use")

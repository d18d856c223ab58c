"""Users, as the contract has them."""

import httpx
import pytest

from tests.e2e.app import App, bearer


async def test_another_name_for_the_same_phone_is_told_who_one_is_already(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone, f"First {phone}")
    again = await http.post(
        "/users", json={"username": f"Second {phone}", "number": phone}, headers=account.headers
    )
    assert again.status_code == 409
    assert again.json()["error"] == "Phone number already in use"
    assert again.json()["user_id"] == account.user_id
    assert again.json()["username"] == f"First {phone}"


async def test_a_name_in_use_is_refused_whatever_its_case(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    await app.join(phone, f"Straße {phone}")
    other = phone.replace("+1415556", "+1415558")
    token = await app.sign_in(other)
    body = {"username": f"STRASSE  {phone}", "number": other}
    taken = await http.post("/users", json=body, headers=bearer(token))
    assert (taken.status_code, taken.json()["error"]) == (409, "Username already in use")


async def test_both_clashes_at_once_answer_for_the_number(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    await app.join(phone.replace("+1415556", "+1415558"), f"Taken {phone}")
    account = await app.join(phone)
    body = {"username": f"Taken {phone}", "number": phone}
    clash = await http.post("/users", json=body, headers=account.headers)
    assert (clash.status_code, clash.json()["error"]) == (409, "Phone number already in use")


async def test_nobody_becomes_a_user_with_anothers_number_nor_an_administrator_by_asking(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    token = await app.sign_in(phone)
    other = {"username": "Somebody", "number": "+14155559999", "admin": True}
    assert (await http.post("/users", json=other, headers=bearer(token))).status_code == 403
    own = {"username": f"Not admin {phone}", "number": phone, "admin": True}
    created = await http.post("/users", json=own, headers=bearer(token))
    assert (created.status_code, created.json()["admin"]) == (201, False)


async def test_an_administrator_makes_users_for_others_and_sees_numbers_in_full(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone)
    promoted = app.service.run("promote", phone)
    assert promoted.returncode == 0, promoted.stderr
    other = phone.replace("+1415556", "+1415558")
    body = {"username": f"Made {phone}", "number": other}
    made = await http.post("/users", json=body, headers=account.headers)
    assert made.status_code == 201
    again = await http.post("/users", json=body, headers=account.headers)
    assert (again.status_code, again.json()["user_id"]) == (201, made.json()["user_id"])
    shown = await http.get(f"/users/{made.json()['user_id']}", headers=account.headers)
    assert shown.json()["number"] == other
    # Whoever holds that phone is that user.
    theirs = await http.get("/users/me", headers=bearer(await app.sign_in(other)))
    assert theirs.json()["_id"] == made.json()["user_id"]


async def test_another_persons_number_is_masked(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone)
    stranger = await app.join(phone.replace("+1415556", "+1415558"))
    shown = (await http.get(f"/users/{account.user_id}", headers=stranger.headers)).json()
    assert shown["number"] == f"+1********{phone[-2:]}"
    own = (await http.get(f"/users/{account.user_id}", headers=account.headers)).json()
    assert own["number"] == phone


async def test_a_new_name_is_taken_and_the_old_one_free(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone, f"Old {phone}")
    renamed = await http.patch(
        "/users/me", json={"username": f" New   {phone} "}, headers=account.headers
    )
    assert (renamed.status_code, renamed.json()["username"]) == (200, f"New {phone}")
    await app.join(phone.replace("+1415556", "+1415558"), f"Old {phone}")


@pytest.mark.parametrize("username", ["", " ", "x", "x" * 65, "a\u0000b", "a\nb", "\u202eabc", 7])
async def test_a_name_that_cannot_be_is_refused(
    app: App, http: httpx.AsyncClient, phone: str, username: object
) -> None:
    account = await app.join(phone)
    answer = await http.patch("/users/me", json={"username": username}, headers=account.headers)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"username"})


async def test_who_leaves_is_gone_at_once_and_may_come_back_as_somebody_else(
    app: App, http: httpx.AsyncClient, phone: str
) -> None:
    account = await app.join(phone, f"Leaver {phone}")
    stranger = await app.join(phone.replace("+1415556", "+1415558"))
    assert (await http.delete("/users/me", headers=account.headers)).status_code == 204
    assert (await http.get("/users/me", headers=account.headers)).status_code == 401
    shown = await http.get(f"/users/{account.user_id}", headers=stranger.headers)
    assert shown.status_code == 404
    rename = {"username": f"Leaver {phone}"}
    taken = await http.patch("/users/me", json=rename, headers=stranger.headers)
    assert (taken.status_code, taken.json()["error"]) == (409, "Username already in use")

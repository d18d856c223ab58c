"""Sessions, through the running service."""

import asyncio
from typing import Any

import httpx

from tests.e2e.app import App, bearer


async def signed_in(app: App, phone: str, **fields: Any) -> dict[str, Any]:
    """Ask and answer; the tokens that come of it."""
    asked = await app.http.post("/auth/request-otp", json={"phone": phone})
    assert asked.status_code == 200, asked.text
    answer = {"phone": phone, "otp": app.service.code(phone), "refresh": True, **fields}
    verified = await app.http.post("/auth/verify-otp", json=answer)
    tokens: dict[str, Any] = verified.json()
    assert tokens["success"] is True, verified.text
    return tokens


async def refresh(app: App, token: str) -> httpx.Response:
    return await app.http.post("/auth/refresh", json={"refresh_token": token})


async def test_a_refresh_token_brings_the_next_pair(app: App, phone: str) -> None:
    first = await signed_in(app, phone)
    assert first["expires_in"] == 900
    assert first["refresh_expires_in"] == 90 * 24 * 3600

    answer = await refresh(app, first["refresh_token"])

    second = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert second.keys() == {
        "access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in",
    }  # fmt: skip
    shown = await app.http.get("/auth/sessions", headers=bearer(second["access_token"]))
    assert shown.status_code == 200


async def test_who_asks_for_no_refresh_token_gets_none(app: App, phone: str) -> None:
    tokens = await signed_in(app, phone, refresh=False)

    assert tokens["expires_in"] == 90 * 24 * 3600
    assert "refresh_token" not in tokens
    assert "refresh_expires_in" not in tokens


async def test_fifty_refreshes_at_once_give_one_lineage(app: App, phone: str) -> None:
    first = await signed_in(app, phone)

    answers = await asyncio.gather(*(refresh(app, first["refresh_token"]) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


async def test_a_token_of_two_generations_ago_ends_the_session(app: App, phone: str) -> None:
    first = await signed_in(app, phone)
    second = (await refresh(app, first["refresh_token"])).json()
    third = (await refresh(app, second["refresh_token"])).json()

    stolen = await refresh(app, first["refresh_token"])

    assert stolen.status_code == 401
    assert stolen.headers["www-authenticate"].startswith("Bearer")
    assert stolen.json()["code"] == "unauthenticated"
    assert (await refresh(app, third["refresh_token"])).status_code == 401
    headers = bearer(third["access_token"])
    assert (await app.http.get("/auth/sessions", headers=headers)).status_code == 401


async def test_garbage_ends_nothing(app: App, phone: str) -> None:
    tokens = await signed_in(app, phone)
    true = tokens["refresh_token"]

    for garbage in ("", "garbage", true[:-4] + "AAAA", true[:43] + "A" * 43, true.lower()):
        assert (await refresh(app, garbage)).status_code == 401
        body = {"refresh_token": garbage, "scope": "all"}
        assert (await app.http.post("/auth/logout", json=body)).status_code == 204

    assert (await refresh(app, true)).status_code == 200


async def test_a_body_without_a_refresh_token_is_refused_by_name(app: App) -> None:
    for body in ({}, {"refresh_token": 1}, {"refresh_token": None}):
        answer = await app.http.post("/auth/refresh", json=body)

        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == ["refresh_token"]


async def test_the_list_names_devices_and_the_session_that_asks(app: App, phone: str) -> None:
    tokens = await signed_in(app, phone, device="Pixel 9")

    answer = await app.http.get("/auth/sessions", headers=bearer(tokens["access_token"]))

    [session] = answer.json()["sessions"]
    assert session["device"] == "Pixel 9"
    assert session["current"] is True
    assert session["created"] <= session["last_used"] < session["expires"]


async def test_an_app_that_names_no_device_is_named_after_what_it_says(
    app: App, phone: str
) -> None:
    app.http.headers["user-agent"] = "Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile"
    tokens = await signed_in(app, phone)

    answer = await app.http.get("/auth/sessions", headers=bearer(tokens["access_token"]))

    assert answer.json()["sessions"][0]["device"] == "Chrome on Android"


async def test_a_session_is_ended_by_its_id(app: App, phone: str) -> None:
    tokens = await signed_in(app, phone)
    headers = bearer(tokens["access_token"])
    listed = (await app.http.get("/auth/sessions", headers=headers)).json()
    path = f"/auth/sessions/{listed['sessions'][0]['id']}"

    assert (await app.http.delete("/auth/sessions/unknown", headers=headers)).status_code == 404
    assert (await app.http.delete(path)).status_code == 401
    assert (await app.http.delete(path, headers=headers)).status_code == 204
    assert (await app.http.delete(path, headers=headers)).status_code == 401


async def test_signing_out_takes_a_scope_that_it_knows(app: App, phone: str) -> None:
    tokens = await signed_in(app, phone)
    headers = bearer(tokens["access_token"])

    refused = await app.http.post("/auth/logout", json={"scope": "some"}, headers=headers)
    assert refused.status_code == 400
    assert "'others'" in refused.json()["errors"]["scope"][0]
    unauthenticated = await app.http.post("/auth/logout", json={"scope": "all"})
    assert unauthenticated.status_code == 401

    for scope in ("others", "all"):
        answer = await app.http.post("/auth/logout", json={"scope": scope}, headers=headers)
        assert answer.status_code == 204
    assert (await refresh(app, tokens["refresh_token"])).status_code == 401


async def test_a_refresh_token_signs_its_session_out(app: App, phone: str) -> None:
    tokens = await signed_in(app, phone)

    body = {"refresh_token": tokens["refresh_token"]}
    assert (await app.http.post("/auth/logout", json=body)).status_code == 204

    headers = bearer(tokens["access_token"])
    assert (await app.http.get("/auth/sessions", headers=headers)).status_code == 401

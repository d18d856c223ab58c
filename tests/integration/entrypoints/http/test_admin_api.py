"""Administration over HTTP: who may call it, what it shows, and what it does."""

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest

from application.identities.events import SessionRevoked
from domain.administration.audit import AuditAction
from domain.administration.scopes import Scope
from domain.identities.external_id import parse_external_id
from domain.identities.role import Role
from tests.integration.entrypoints.http.administration import (
    ADMINISTRATOR,
    OPERATOR,
    STRANGER,
    USER,
    AdminDriver,
    admin_operations,
    open_admin_driver,
)
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone, an_id
from tests.support.client import bearer

WITHOUT_SESSION: Final = (
    "/admin/session/options",
    "/admin/session",
    "/admin/passkeys/options",
    "/admin/passkeys",
)
CHANGE_PHONE: Final = f"{an_id()}/change-phone"
NEW_NUMBER: Final = {"phone": STRANGER.e164, "reason": "saw the passport"}


@pytest.fixture
async def driver() -> AsyncIterator[AdminDriver]:
    async with open_admin_driver() as opened:
        yield opened


# Who may call it


async def test_only_the_console_and_service_tokens_may(driver: AdminDriver) -> None:
    by_code = await driver.harness.access_token(ADMINISTRATOR)
    for method, path, _ in admin_operations():
        if path in WITHOUT_SESSION:
            continue
        anonymous = await driver.http.request(method, path)
        assert (anonymous.status_code, anonymous.headers["www-authenticate"]) == (401, "Bearer")
        for token, code in (
            (driver.user, "forbidden"),
            (by_code, "passkey_required"),
        ):
            response = await driver.http.request(method, path, headers=bearer(token))
            assert (response.status_code, response.json()["code"]) == (403, code), path


async def test_a_service_token_is_valid_below_admin_only(driver: AdminDriver) -> None:
    token = await driver.make_token(*Scope)
    assert (await driver.get("/admin/audit", token)).status_code == 200
    for path in ("/users/me", f"/users/{driver.user_id}", "/auth/sessions", "/calls"):
        response = await driver.get(path, token)
        assert (response.status_code, response.json()["code"]) == (401, "unauthenticated"), path
        assert "below /admin/ only" in response.json()["error"], path
    changed = token[:-1] + ("0" if token[-1] != "0" else "1")
    for text in (changed, "dta_"):
        response = await driver.get("/admin/audit", text)
        assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
        assert "unknown, revoked or expired" in response.json()["error"]
    of_user = (await driver.get("/admin/audit", "none")).json()["error"]
    assert of_user == (await driver.get("/users/me", "none")).json()["error"]
    assert "service token" not in of_user


async def test_a_token_needs_the_scope_of_the_action(driver: AdminDriver) -> None:
    scope = Scope.SUPPORT_USERS
    others = await driver.make_token(*[other for other in Scope if other is not scope])

    rejected = await driver.post("block", token=others)
    assert (rejected.status_code, rejected.json()["code"]) == (403, "insufficient_scope")
    assert rejected.json()["scope"] == scope
    assert rejected.headers["www-authenticate"] == (
        f'Bearer error="insufficient_scope", scope="{scope}"'
    )
    assert (await driver.post("block", token=await driver.make_token(scope))).status_code == 200


# What it shows


async def test_a_user_is_shown_with_all_that_helps(driver: AdminDriver) -> None:
    driver.harness.advance(hours=12)
    await driver.harness.request_otp(USER)
    reader = await driver.make_token(Scope.READ_USERS, Scope.READ_PHONES)
    responses = [
        await driver.post("search", body, reader)
        for body in (
            {"phone": USER.e164},
            {"phone": "(415) 555-0001"},  # of the default region
            {"username": "rahul  sharma"},
            {"id": driver.user_id.upper()},
        )
    ] + [await driver.get(f"/admin/users/{driver.user_id}", reader)]

    masked = await driver.post("search", token=await driver.make_token(Scope.READ_USERS))
    assert masked.json()["number"] == USER.masked
    assert USER.e164 not in masked.text
    assert {act for act, _, _ in driver.acts} == {"view_phone"}
    details = responses[0].json()
    assert [response.json() for response in responses] == [details] * len(responses)
    assert (details["subject"], details["number"]) == (driver.user_id, USER.e164)
    account = details["account"]
    assert (account["id"], account["username"]) == (driver.user_id, "Rahul Sharma")
    assert account["role"] == "member"
    assert (account["is_verified"], account["has_signed_in"]) == (True, True)
    session = details["sessions"][0]
    times = {"created_at", "last_used_at", "ends_at"}
    assert {*session} == {"id", "device", *times, "is_console", "network"}
    assert {*details["devices"][0]} == {"session_id", "expires_at"}
    assert (details["library"]["items"], details["calls"]) == (0, [])
    assert details["events"] == {"waiting": 1, "failed": 0}
    verification, [delivery, *_] = details["verification"], details["deliveries"]
    assert (verification["waits_for"], verification["attempts_left"]) == ("cooldown", 5)
    assert verification["next_message_at"] > delivery["sent_at"]
    assert (delivery["channel"], delivery["status"]) == ("sms", "accepted")


async def test_only_a_fresh_login_of_an_administrator_sees_the_number_of_a_user(
    driver: AdminDriver,
) -> None:
    path, user = f"/users/{driver.user_id}", driver.user_id
    by_code = await driver.harness.access_token(ADMINISTRATOR)
    act = driver.harness.administration.act_for_users
    await act.set_external_id(OPERATOR, user, parse_external_id("7"), "ticket")
    fresh = (await driver.get(path, by_code)).json()
    own = (await driver.get(path, driver.user)).json()
    other = await driver.harness.access_token(STRANGER)
    stranger = (await driver.get(path, other)).json()
    old = (await driver.get(path, by_code)).json()

    assert [fresh["number"], own["number"]] == [USER.e164] * 2
    assert [stranger["number"], old["number"]] == [USER.masked] * 2
    assert (fresh["admin"], old["admin"], "admin" in stranger) == (False, False, False)
    assert (own["external_id"], "external_id" in stranger) == ("7", False)
    assert driver.acts == [("view_phone", user, None)]


async def test_unknown_users_are_not_found(driver: AdminDriver) -> None:
    response = await driver.post("search", {"username": "\u0000"})
    assert (response.status_code, response.json()["code"]) == (404, "user_not_found")
    assert (await driver.get(f"/admin/users/{an_id(77)}")).status_code == 404
    invalid = await driver.get("/admin/users/1")
    assert (invalid.status_code, invalid.json()["code"]) == (400, "invalid_id")


@pytest.mark.parametrize(
    ("path", "body", "codes"),
    [
        ("block", {"reason": "ticket"}, {"phone": "missing_field"}),
        ("block", {"id": an_id()}, {"reason": "too_short"}),
        ("block", {"id": "12", "reason": "x" * 501}, {"id": "invalid_id", "reason": "too_long"}),
        (
            "promote", {"id": "12", "role": "king", "reason": "x" * 501},
            {"id": "invalid_id", "role": "unsupported_value", "reason": "too_long"},
        ),
        (
            an_id(), {"external_id": "Zoë", "reason": "ticket"},
            {"external_id": "invalid_characters"},
        ),
        (
            an_id(), {"username": "Priya", "external_id": None, "reason": "ticket"},
            {"username": "conflicting_value"},
        ),
        (
            an_id(), {"username": "Support", "reason": "\0"},
            {"username": "reserved_name", "reason": "invalid_characters"},
        ),
        ("rename", {"id": an_id()}, {"new_username": "missing_field"}),
        (
            "rename", {"id": an_id(), "new_username": "Support", "reason": "ticket"},
            {"new_username": "reserved_name"},
        ),
        (
            "external-id", {"id": an_id(), "new_external_id": "Zoë", "reason": "ticket"},
            {"new_external_id": "invalid_characters"},
        ),
        (
            "change-phone", {"id": "12", "new_phone": "nonsense", "reason": " "},
            {"id": "invalid_id", "new_phone": "invalid_phone", "reason": "too_short"},
        ),
        (
            CHANGE_PHONE, NEW_NUMBER | {"reason": " ", "phone": "nonsense"},
            {"reason": "too_short", "phone": "invalid_phone"},
        ),
    ],
)  # fmt: skip
async def test_an_invalid_field_of_a_request_has_a_code_and_nothing_is_done(
    driver: AdminDriver, path: str, body: dict[str, Any], codes: dict[str, str]
) -> None:
    method = "PATCH" if path == an_id() else "POST"
    headers = bearer(driver.administrator)
    response = await driver.http.request(method, f"/admin/users/{path}", json=body, headers=headers)
    assert response.status_code == 400
    found = {error["field"]: error["code"] for error in response.json()["field_errors"]}
    assert found == codes
    assert driver.acts == []


async def test_all_that_is_wrong_with_a_block_is_said_at_once(driver: AdminDriver) -> None:
    body = {"network": "4", "seconds": 5, "reason": "x" * 501}
    response = await driver.http.post(
        "/admin/blocks", json=body, headers=bearer(driver.administrator)
    )
    fields = {error["field"] for error in response.json()["field_errors"]}
    assert (response.status_code, fields) == (400, {*body})


# What it does


async def test_each_act_has_its_message_and_is_in_the_audit_with_its_reason(
    driver: AdminDriver,
) -> None:
    user = driver.user_id
    await driver.harness.request_otp(USER)
    done: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        (
            "reset-limits", {"resets_left": 2},
            {
                "message": "The limits are reset, and a message is possible now. Attempts that it"
                " brings: 5. Resets left today: 1.",
                "resets_left": 1, "attempts": 5,
            },
        ),
        (
            "sign-out", {},
            {"message": "Sessions that have ended: 2. Passkeys stay.", "sessions_ended": 2},
        ),
        ("block", {}, {"message": "Phone blocked", "subject": user}),
        ("unblock", {}, {"message": "Phone unblocked", "subject": user}),
        (
            "promote", {"role": "support"},
            {
                "message": "User promoted. The role is support, and all sessions have ended.",
                "subject": user,
            },
        ),
        ("demote", {}, {"message": "User demoted", "subject": user}),
        (
            "rename", {"new_username": "User 4711"},
            {"message": "User renamed. The username is User 4711.", "subject": user},
        ),
        (
            "external-id", {"new_external_id": "crm-7"},
            {"message": "External id changed. It is crm-7.", "subject": user},
        ),
        (
            "external-id", {"new_external_id": None},
            {"message": "External id changed. It is none.", "subject": user},
        ),
        (
            "change-phone", {"new_phone": a_phone(4).e164},
            {
                "message": "Phone number changed. All sessions have ended.", "subject": user,
            },
        ),
        (
            "detach", {},
            {
                "message": f"User detached. Keep the id of the account, {user}: with another number"
                " it has an owner again.",
                "subject": user,
            },
        ),
        (
            f"{user}/change-phone", {"phone": STRANGER.e164},
            {"message": "Phone number changed", "subject": user},
        ),
        (
            "promote", {},
            {
                "message": "User promoted. The role is administrator, and all sessions have ended.",
                "subject": user,
            },
        ),
    ]  # fmt: skip
    for act, fields, expected in done:
        named = {} if "/" in act else {"id": user}
        response = await driver.post(act, {**named, **fields, "reason": "Ticket 4711"})
        assert (response.status_code, response.json()) == (200, expected)
        entry = driver.harness.database.audit_entries[-1]
        action = act.rpartition("/")[2].replace("-", "_")
        assert (entry.action.value.removeprefix("set_"), entry.subject) == (action, user)
        assert (entry.actor.id, entry.reason) == (driver.administrator_id, "Ticket 4711")
    assert driver.harness.database.identities[user].value.staff.role is Role.ADMINISTRATOR


async def test_one_session_ends_with_its_device_and_those_of_one_network_are_seen(
    driver: AdminDriver,
) -> None:
    app, token = driver.harness, await driver.make_token(Scope.SUPPORT_USERS, Scope.READ_USERS)
    for ip in ("198.51.100.7", "198.51.100.8", "203.0.113.7"):
        await app.open_session(USER, client_ip=ip)
    shown = (await driver.post("search", token=token)).json()
    [latest, second, first, *_] = shown["sessions"]
    assert (latest["network"], second["network"], first["network"]) == (1, 2, 2)

    body = {"id": driver.user_id, "session_id": second["id"], "reason": "ticket"}
    ended, repeated = [await driver.post("end-session", body, token) for _ in range(2)]

    expected = {"message": "Session ended", "subject": driver.user_id}
    assert (ended.status_code, ended.json()) == (200, expected)
    assert (repeated.status_code, repeated.json()["code"]) == (404, "session_not_found")
    left = (await driver.post("search", token=token)).json()
    assert left["sessions"] == [each for each in shown["sessions"] if each != second]
    assert second["id"] not in {device["session_id"] for device in left["devices"]}
    assert app.database.audit_entries[-1].action is AuditAction.END_SESSION
    [revoked] = app.events.of_type(SessionRevoked)
    assert revoked.session_id == second["id"]


async def test_a_second_click_does_not_use_up_the_second_reset(driver: AdminDriver) -> None:
    shown = (await driver.post("search")).json()["verification"]["resets_left"]
    body = {"id": driver.user_id, "reason": "ticket", "resets_left": shown}
    first, second = [await driver.post("reset-limits", body) for _ in range(2)]
    assert (first.status_code, first.json()["resets_left"]) == (200, 1)
    assert (second.status_code, second.json()["code"]) == (409, "limits_reset_before")
    assert (await driver.post("reset-limits")).json()["resets_left"] == 0


async def test_an_error_of_the_new_number_names_its_field() -> None:
    async with open_admin_driver(AppHarness(policy=make_policy(countries=["US"]))) as driver:
        for number, code in (
            (USER.e164, "conflicting_value"),
            ("+4915112345678", "country_not_served"),
        ):
            body = {"id": driver.user_id, "new_phone": number, "reason": "passport"}
            response = await driver.post("change-phone", body)
            [error] = response.json()["field_errors"]
            assert (response.status_code, error["field"], error["code"]) == (400, "new_phone", code)
        assert driver.acts == []


async def test_a_deletion_says_what_remains(driver: AdminDriver) -> None:
    deleted = (await driver.post("delete")).json()
    assert deleted["message"] == "Account deleted"
    assert {*deleted["retained"][0]} == {"data", "reason", "until"}


async def test_a_user_gets_another_name_and_an_external_id(driver: AdminDriver) -> None:
    async def change(**body: str | None) -> httpx.Response:
        path, headers = f"/admin/users/{driver.user_id}", bearer(token)
        return await driver.http.patch(path, json={**body, "reason": "report 815"}, headers=headers)

    administrator = await driver.harness.log_in(ADMINISTRATOR)
    await driver.harness.create_user(administrator, "Priya")
    token = await driver.harness.open_console(driver.administrator_id)
    done = [await change(username="User 4711"), await change(external_id="auth0|5f7c")]
    taken = await change(username="priya")
    found = (await driver.post("search", {"external_id": "auth0|5f7c"}, token)).json()
    removed = await change(external_id=None)

    changed = {"message": "User changed", "subject": driver.user_id}
    assert [(each.status_code, each.json()) for each in (*done, removed)] == [(200, changed)] * 3
    assert (taken.status_code, taken.json()["code"]) == (409, "username_in_use")
    assert (found["subject"], found["account"]["external_id"]) == (driver.user_id, "auth0|5f7c")
    own = (await driver.get("/users/me", driver.user)).json()
    assert (own["username"], "external_id" in own) == ("User 4711", False)
    reasons = {entry.action.value: entry.reason for entry in driver.harness.database.audit_entries}
    assert {reasons[act] for act in ("rename", "set_external_id")} == {"report 815"}


# The audit


async def test_the_audit_is_listed_by_whom_and_by_who(driver: AdminDriver) -> None:
    body = {"id": driver.user_id, "role": "auditor", "reason": "Ticket 4711"}
    await driver.post("promote", body)
    driver.harness.advance(seconds=1)
    await driver.post("block", {"phone": STRANGER.e164, "reason": "spam"})
    subject, actor = driver.hash_phone(STRANGER), f"administrator:{driver.administrator_id}"

    [entry] = (await driver.get(f"/admin/audit?user={driver.user_id}")).json()["entries"]
    [block] = (await driver.get(f"/admin/audit?user={subject}")).json()["entries"]
    first = (await driver.get(f"/admin/audit?actor={actor}&limit=1")).json()
    path = f"/admin/audit?actor={actor}&limit=1&cursor={first['next_cursor']}"
    rest = (await driver.get(path)).json()

    assert entry.keys() == {
        "id", "at", "actor", "action", "subject", "reason", "item_id", "error", "failed_entry_id",
        "count", "role",
    }  # fmt: skip
    assert entry["actor"] == {
        "kind": "administrator", "id": driver.administrator_id, "name": "", "is_claim": False,
        "role": "administrator",
    }  # fmt: skip
    assert (entry["action"], entry["subject"]) == ("promote", driver.user_id)
    assert (entry["role"], entry["reason"]) == ("auditor", "Ticket 4711")
    assert (entry["error"], entry["failed_entry_id"]) == (None, None)
    assert first["entries"] == [block]
    assert rest == {"entries": [entry], "next_cursor": None}


async def test_an_invalid_filter_of_the_audit_is_an_error(driver: AdminDriver) -> None:
    for query, field in (
        ("actor=alice", "actor"),
        ("hidden=yes", "hidden"),
    ):
        response = await driver.get(f"/admin/audit?{query}")
        assert response.status_code == 400
        assert [error["field"] for error in response.json()["field_errors"]] == [field]

"""The door of the staff: who gets a session of the console, and what attackers do not get."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import httpx
import pytest

from application.features.admin.feature import AdminFeature
from application.identities.events import StaffSignedInByCode
from domain.administration.audit import AuditAction
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneNotice
from domain.identities.role import Role
from domain.identities.session import SessionKind
from domain.otp.challenge import OtpCode
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.app_harness import PASSKEY_ORIGIN, AppHarness
from tests.support.builders import a_phone
from tests.support.console import (
    BY_COMMAND,
    PASSKEYS,
    SESSION,
    STAFF,
    Console,
    a_device,
    open_console,
)
from tests.support.http_app import BASE_URL, open_http_client
from tests.support.http_settings import make_http_settings

OWN_PASSKEYS: Final = "/users/me/passkeys"


@pytest.fixture
async def console() -> AsyncIterator[Console]:
    async with open_console() as opened:
        yield opened


def staff_identity(console: Console) -> Identity:
    return console.harness.database.identities[console.staff_id].value


# What opens it


async def test_a_link_adds_a_passkey_whose_session_blocks_a_user(console: Console) -> None:
    secret = await console.invite()
    options, _ = await console.make(console.device, secret=secret)
    assert options.json()["role"] == "administrator"
    assert options.json()["publicKey"]["rp"]["name"] == "Dialtone"
    await console.add_first()
    signed_in = await console.ask_to_sign_in()
    console.token = signed_in.json()["access_token"]
    assert signed_in.json()["expires_in"] == 3600

    shown = (await console.send("GET", SESSION)).json()

    assert (shown["user_id"], shown["role"]) == (console.staff_id, "administrator")
    assert [each["name"] for each in shown["passkeys"]] == ["laptop"]
    assert "block" in [act["name"] for act in shown["acts"]]
    refused = await console.act("block")
    assert (refused.status_code, [*refused.json()["errors"]]) == (400, ["reason"])
    assert (await console.act("block", reason="ticket 4711")).status_code == 200


async def test_a_link_is_valid_once_and_for_15_minutes_and_the_last_one_counts(
    console: Console,
) -> None:
    former, secret = await console.invite(), await console.invite()
    assert (await console.add(a_device(), secret=former)).json()["code"] == "invitation_not_valid"
    assert (await console.add(a_device(), secret=secret)).status_code == 200
    assert (await console.add(a_device(2), "second", secret=secret)).status_code == 410
    late = await console.invite()
    console.harness.advance(minutes=15)
    for text in (late, late.upper(), "no secret", ""):
        assert (await console.add(a_device(2), "second", secret=text)).status_code == 410


async def test_a_link_ends_no_session_before_it_is_used(console: Console) -> None:
    token = await console.add_first()
    secret = await console.invite()
    await console.make(a_device(2), secret=secret)
    assert await console.code("GET", SESSION, token=token) == "200"
    assert (await console.add(a_device(2), "second", secret=secret)).status_code == 200
    assert await console.code("GET", SESSION, token=token) == "unauthenticated"


async def test_no_code_and_no_passkey_of_the_app_opens_it(console: Console) -> None:
    await console.add_first()
    by_code = await console.harness.access_token(STAFF)
    for path in (SESSION, "/admin/users", "/admin/audit"):
        assert await console.code("GET", path, token=by_code) == "passkey_required"
    assert await console.code("POST", f"{PASSKEYS}/options", {}, by_code) == "passkey_required"
    assert await console.code("POST", f"{SESSION}/touch", {}, by_code) == "passkey_required"
    # A passkey that a code has added opens no console, and its session has no right below /admin/.
    of_app = a_device(3)
    options = (await console.send("POST", f"{OWN_PASSKEYS}/options", token=by_code)).json()
    made = of_app.create(json.dumps(options["publicKey"]))
    body = {"credential": json.loads(made)}
    assert (await console.send("POST", OWN_PASSKEYS, body, by_code)).status_code == 201
    staff_device, console.device = console.device, of_app
    assert (await console.ask_to_sign_in()).json()["code"] == "passkey_rejected"
    options = await console.send("POST", "/auth/passkey/options", token="")
    signed_in = await console.send(
        "POST", "/auth/passkey", {"credential": console.answer(options)}, token=""
    )
    token = signed_in.json()["access_token"]
    assert await console.code("GET", SESSION, token=token) == "passkey_required"
    # Nor does a code see or remove a passkey of the staff.
    [of_staff] = staff_identity(console).staff_passkeys
    listed = (await console.send("GET", OWN_PASSKEYS, token=by_code)).json()["passkeys"]
    assert of_staff.id not in {each["id"] for each in listed}
    path = f"{OWN_PASSKEYS}/{of_staff.id}"
    assert await console.code("DELETE", path, token=by_code) == "passkey_not_found"
    # And the passkey of the staff opens no app.
    console.device = staff_device
    options = await console.send("POST", "/auth/passkey/options", token="")
    body = {"credential": console.answer(options)}
    assert await console.code("POST", "/auth/passkey", body, "") == "passkey_rejected"


async def test_a_member_and_a_service_token_get_no_session(console: Console) -> None:
    member = await console.harness.access_token(a_phone(3))
    assert await console.code("GET", SESSION, token=member) == "forbidden"
    _, token = await console.harness.use_cases.of(AdminFeature).tokens.create(
        BY_COMMAND, "backend", [Role.ADMINISTRATOR], timedelta(days=1), "ticket"
    )
    for method, path in (("GET", SESSION), ("POST", "/admin/users/passkey-invite")):
        assert await console.code(method, path, {}, token) == "forbidden"


async def test_a_page_of_another_origin_gets_no_session(console: Console) -> None:
    await console.add_first()
    console.device.origin = "https://app.example.org"  # of the same domain, as a web app may be
    assert (await console.ask_to_sign_in()).json()["code"] == "passkey_rejected"
    console.device.origin = PASSKEY_ORIGIN
    console.device.is_framed = True
    assert (await console.ask_to_sign_in()).json()["code"] == "passkey_rejected"


async def test_a_listed_origin_neither_calls_the_door_nor_gets_a_preflight() -> None:
    settings = make_http_settings(web_origins=("https://app.example.org",))
    harness = AppHarness()
    headers = {"Origin": "https://app.example.org"}
    async with open_http_client(harness.use_cases, settings) as http:
        for path in (SESSION, f"{SESSION}/options", PASSKEYS, f"{PASSKEYS}/options"):
            refused = await http.post(path, json={}, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
            asked = {**headers, "Access-Control-Request-Method": "POST"}
            preflight = await http.options(path, headers=asked)
            assert preflight.status_code == 403
            assert "access-control-allow-origin" not in preflight.headers
        own = await http.post(f"{SESSION}/options", headers={"Origin": BASE_URL})
        assert own.status_code == 200
        other = await http.post("/admin/users/block", json={}, headers=headers)
        assert other.status_code == 401, "service tokens may be used from listed origins"


async def test_of_two_at_once_one_is_added_by_a_link_and_one_answer_opens_one_session(
    console: Console,
) -> None:
    secret = await console.invite()
    devices = [a_device(1), a_device(2)]
    made = [(await console.make(device, secret=secret))[1] for device in devices]
    bodies = [
        {"secret": secret, "credential": each, "name": str(number)}
        for number, each in enumerate(made)
    ]
    codes = await asyncio.gather(*(console.code("POST", PASSKEYS, body, "") for body in bodies))
    assert sorted(codes) == ["200", "invitation_not_valid"]
    assert len(staff_identity(console).staff_passkeys) == 1
    console.device = devices[codes.index("200")]
    options = await console.send("POST", f"{SESSION}/options", token="")
    body = {"credential": console.answer(options)}
    codes = await asyncio.gather(*(console.code("POST", SESSION, body, "") for _ in range(3)))
    assert sorted(codes) == ["200", "challenge_not_valid", "challenge_not_valid"]


async def test_a_copy_of_the_device_is_noticed(console: Console) -> None:
    await console.add_first()
    await console.sign_in()
    console.device.sign_count -= 1
    assert (await console.ask_to_sign_in()).json()["code"] == "passkey_count_fell"


CLOSES: Final[dict[str, Callable[[Console], Awaitable[object]]]] = {
    "no role": lambda c: c.harness.identities.operator_actions.change_role(c.staff_id, Role.MEMBER),
    "block": lambda c: c.harness.identities.operator_actions.block(STAFF),
    "lost": lambda c: c.harness.passkeys.remove_of_user(BY_COMMAND, c.staff_id, None, "lost"),
}


@pytest.mark.parametrize("close", CLOSES.values(), ids=CLOSES)
async def test_what_changes_between_question_and_answer_counts(
    console: Console, close: Callable[[Console], Awaitable[object]]
) -> None:
    await console.add_first()
    options = await console.send("POST", f"{SESSION}/options", token="")
    answer = {"credential": console.answer(options)}
    secret = await console.invite()
    _, made = await console.make(a_device(2), secret=secret)
    await close(console)
    assert await console.code("POST", SESSION, answer, "") == "passkey_rejected"
    body = {"secret": secret, "credential": made, "name": "second"}
    assert await console.code("POST", PASSKEYS, body, "") == "invitation_not_valid"


async def test_the_write_asks_again_who_may_sign_in(console: Console) -> None:
    """Whoever takes the role between the check of an answer and the write closes the door."""
    await console.add_first()
    options = await console.send("POST", f"{SESSION}/options", token="")
    answer = {"credential": console.answer(options)}
    actions = console.harness.identities.operator_actions

    async def lose_role() -> None:
        await actions.change_role(console.staff_id, Role.MEMBER)

    console.harness.faults.run_before("identities.replace", lose_role)
    assert await console.code("POST", SESSION, answer, "") == "passkey_rejected"


async def test_the_write_asks_again_for_session_link_and_passkey(console: Console) -> None:
    await console.add_first()
    actions = console.harness.identities.operator_actions
    [passkey] = staff_identity(console).staff_passkeys
    path = f"{PASSKEYS}/{passkey.id}"
    touch = await console.touch("remove_passkey")

    async def sign_out() -> None:
        await actions.revoke_sessions(console.staff_id)

    console.harness.faults.run_before("identities.replace", sign_out)
    assert await console.code("DELETE", path, {"touch": touch}) == "unauthenticated"
    secret = await console.invite()
    _, made = await console.make(a_device(2), secret=secret)
    body = {"secret": secret, "credential": made, "name": "second"}
    console.harness.faults.run_before("identities.replace", sign_out)
    assert await console.code("POST", PASSKEYS, body, "") == "invitation_not_valid"
    assert staff_identity(console).staff_passkeys == (passkey,)


async def test_nobody_with_a_test_code_signs_in() -> None:
    async with open_console() as console:
        await console.add_first()
        secret = await console.invite()
        test_otps = TestOtps((TestOtp(STAFF, OtpCode("123456")),))
        passkeys = console.harness.staff_passkeys
        passkeys.sign_in = replace(passkeys.sign_in, test_otps=test_otps)
        passkeys.passkeys = replace(passkeys.passkeys, test_otps=test_otps)
        assert (await console.ask_to_sign_in()).json()["code"] == "passkey_rejected"
        added = await console.add(a_device(2), "second", secret=secret)
        assert added.json()["code"] == "invitation_not_valid"


async def test_requests_without_a_session_count_for_their_ip() -> None:
    limit = SlidingWindow(3, timedelta(minutes=1))
    settings = make_http_settings(refresh_limit_per_ip=limit)
    harness = AppHarness()
    for path, body in (
        (f"{SESSION}/options", {}),
        (SESSION, {"credential": {}}),
        (f"{PASSKEYS}/options", {"secret": "none"}),
    ):
        async with open_http_client(harness.use_cases, settings) as http:
            codes = [(await http.post(path, json=body)).status_code for _ in range(4)]
        assert codes[-1] == 429, path


# What a session is worth


async def test_the_token_alone_and_the_cookie_alone_open_nothing(console: Console) -> None:
    token = await console.add_first()
    [cookie] = console.http.cookies.jar
    assert await console.code("GET", SESSION, token="") == "unauthenticated"
    for value in ("", "0" * 64):
        console.http.cookies.clear()
        if value:
            console.http.cookies.set(cookie.name, value)
        assert await console.code("GET", SESSION, token=token) == "unauthenticated"
        assert await console.code("GET", "/admin/users", token=token) == "unauthenticated"
    console.http.cookies.set(cookie.name, cookie.value or "")
    assert await console.code("GET", SESSION, token=token) == "200"


@pytest.mark.parametrize(
    ("public_url", "name", "has_tls"),
    [
        ("https://dialtone.example.org", "__Host-dialtone_console", True),
        ("http://localhost:8000", "dialtone_console", False),
    ],
)
async def test_the_cookie_is_for_this_host_and_no_script(
    public_url: str, name: str, *, has_tls: bool
) -> None:
    async with open_console(public_url=public_url) as console:
        added = await console.add(console.device, secret=await console.invite())
    value, *attributes = added.headers["set-cookie"].split("; ")
    assert value.startswith(f"{name}=")
    assert len(value) == len(name) + 65
    expected = {"httponly", "path=/", "samesite=strict", *(["secure"] if has_tls else [])}
    assert {each.lower() for each in attributes} == expected


async def test_a_sign_in_and_a_sign_out_keep_the_cookie_of_other_tabs(console: Console) -> None:
    first = await console.add_first()
    second = await console.sign_in()
    assert await console.code("DELETE", SESSION, token=second) == "204"
    assert await console.code("GET", SESSION, token=second) == "unauthenticated"
    assert await console.code("GET", SESSION, token=first) == "200"
    # A value that the service has not made is replaced.
    console.http.cookies.clear()
    console.http.cookies.set("dialtone_console", "mine")
    signed_in = await console.ask_to_sign_in()
    assert "dialtone_console=mine" not in signed_in.headers["set-cookie"]


async def test_a_sign_in_ends_the_session_that_it_replaces(console: Console) -> None:
    first = await console.add_first()
    second = await console.sign_in(replaces=first)
    assert await console.code("GET", SESSION, token=first) == "unauthenticated"
    assert await console.code("GET", SESSION, token=second) == "200"
    console.http.cookies.clear()
    await console.sign_in(replaces=second)  # of another browser: nothing of it ends
    sessions = staff_identity(console).sessions
    assert len([each for each in sessions if each.is_console]) == 2
    third = await console.sign_in(replaces="nonsense")
    # Somebody else signs in in the same tab.
    await console.harness.identities.operator_actions.change_role(console.user_id, Role.SUPPORT)
    console.device = a_device(5)
    added = await console.add(console.device, secret=await console.invite(console.user_id))
    await console.sign_in(replaces=third)
    assert added.status_code == 200
    assert await console.code("GET", SESSION, token=third) == "unauthenticated"


async def test_a_session_is_valid_below_admin_only(console: Console) -> None:
    by_code = await console.harness.access_token(STAFF)
    token = await console.add_first()
    used_before = [each for each in staff_identity(console).sessions if each.is_console]
    for method, path in [
        ("GET", "/users/me"), ("DELETE", "/users/me"), ("GET", "/auth/sessions"),
        ("GET", "/library"), ("GET", "/calls"), ("POST", f"{OWN_PASSKEYS}/options"),
        ("GET", f"/users/{console.user_id}"),
    ]:  # fmt: skip
        assert await console.code(method, path, token=token) == "unauthenticated", path
    used_after = [each for each in staff_identity(console).sessions if each.is_console]
    assert used_after == used_before, "a use is not recorded"
    listed = (await console.send("GET", "/auth/sessions", token=by_code)).json()["sessions"]
    [of_console] = [each for each in listed if each["is_console"]]
    path = f"/auth/sessions/{of_console['id']}"
    assert await console.code("DELETE", path, token=by_code) == "204"
    assert await console.code("GET", SESSION, token=token) == "unauthenticated"


async def test_a_session_ends_unused_after_15_minutes_and_always_after_an_hour(
    console: Console,
) -> None:
    await console.add_first()
    console.harness.advance(minutes=14)
    assert await console.code("GET", SESSION) == "200"
    console.harness.advance(minutes=2)
    late = await console.act("delete", reason="asked for it")
    assert (late.status_code, late.json()["code"]) == (403, "reauthentication_required")
    assert (await console.act("block", reason="ticket")).status_code == 200
    console.harness.advance(minutes=15)
    assert await console.code("GET", SESSION) == "unauthenticated"
    await console.sign_in()
    for _ in range(5):
        console.harness.advance(minutes=10)
        assert await console.code("GET", SESSION) == "200"
    console.harness.advance(minutes=10)
    assert await console.code("GET", SESSION) == "unauthenticated", "an hour has passed"


async def test_requests_of_a_session_of_an_app_do_not_count_at_the_console() -> None:
    limit = SlidingWindow(5, timedelta(minutes=1))
    settings = make_http_settings(request_limit_per_identity=limit)
    async with open_console(settings=settings) as console:
        by_code = await console.harness.access_token(STAFF)
        await console.add_first()
        codes = [await console.code("GET", "/users/me", token=by_code) for _ in range(6)]
        assert codes[-1] == "rate_limited"
        assert await console.code("GET", SESSION) == "200"


async def test_a_session_has_no_right_at_an_instance_without_a_console(console: Console) -> None:
    await console.add_first()
    console.harness.identities.extensions.has_console = False
    assert (await console.act("block", reason="ticket")).status_code == 401


Act = Callable[[Console, str], Awaitable[object]]


async def log_out_others(console: Console, by_code: str) -> None:
    """Sign out all other sessions, as whoever holds the SIM card can."""
    assert await console.code("POST", "/auth/logout", {"scope": "others"}, by_code) == "204"


ENDS: Final[dict[str, Act]] = {
    "sign-out": lambda c, _: c.harness.identities.operator_actions.revoke_sessions(c.staff_id),
    "another role": lambda c, _: c.harness.identities.operator_actions.change_role(
        c.staff_id, Role.SUPPORT
    ),
    "no role": lambda c, _: c.harness.identities.operator_actions.change_role(
        c.staff_id, Role.MEMBER
    ),
    "block": lambda c, _: c.harness.identities.operator_actions.block(STAFF),
    "delete": lambda c, _: c.harness.identities.delete_user.by_id(c.staff_id),
    "other sessions": log_out_others,
    "lost passkey": lambda c, _: c.harness.passkeys.remove_of_user(
        BY_COMMAND, c.staff_id, None, "lost"
    ),
    "another number": lambda c, _: c.harness.move_phone(c.staff_id, a_phone(9)),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_what_ends_all_sessions_or_the_role_ends_session_and_link_in_one_write(
    console: Console, end: Act
) -> None:
    by_code = await console.harness.access_token(STAFF)
    await console.add_first()
    await console.invite()

    await end(console, by_code)

    identity = staff_identity(console)
    assert [each for each in identity.sessions if each.is_console] == []
    assert identity.staff.invitation is None
    assert await console.code("GET", SESSION) == "unauthenticated"


# A touch for what lasts


async def test_a_stolen_session_adds_and_removes_no_passkey_and_makes_no_link(
    console: Console,
) -> None:
    await console.add_first()
    [passkey] = staff_identity(console).staff_passkeys
    await console.act("promote", role="support", reason="new")
    # A key in software has the session, but not the device. Nor has the passkey of somebody else,
    # or of the own app.
    assert (await console.add(a_device(2), "thief")).json()["code"] == "touch_required"
    path = f"{PASSKEYS}/{passkey.id}"
    assert await console.code("DELETE", path, {}) == "touch_required"
    invited = await console.act("passkey-invite", reason="accomplice")
    assert invited.json()["code"] == "touch_required"
    # A touch for another purpose, of another session, or of a device that is no passkey.
    other = await console.touch("invite")
    assert await console.code("DELETE", path, {"touch": other}) == "challenge_not_valid"
    own, second = console.token, await console.sign_in()
    touch = await console.touch("remove_passkey", second)
    assert await console.code("DELETE", path, {"touch": touch}, own) == "challenge_not_valid"
    device, console.device = console.device, a_device(2)
    console.device.user_handle = device.user_handle
    touch = await console.touch("remove_passkey")
    assert await console.code("DELETE", path, {"touch": touch}) == "passkey_rejected"
    console.device = device
    own = console.token
    of_other = a_device(6)
    added = await console.add(of_other, secret=await console.invite(console.user_id))
    assert added.status_code == 200
    console.token, console.device = own, of_other
    touch = await console.touch("remove_passkey")
    assert await console.code("DELETE", path, {"touch": touch}) == "passkey_rejected"
    assert staff_identity(console).staff_passkeys[0].id == passkey.id


async def test_no_passkey_of_the_app_is_a_touch(console: Console) -> None:
    by_code = await console.harness.access_token(STAFF)
    of_app = a_device(3)
    options = (await console.send("POST", f"{OWN_PASSKEYS}/options", token=by_code)).json()
    made = json.loads(of_app.create(json.dumps(options["publicKey"])))
    body = {"credential": made}
    assert (await console.send("POST", OWN_PASSKEYS, body, by_code)).status_code == 201
    await console.add_first()
    of_app.user_handle = console.device.user_handle
    console.device = of_app
    touch = await console.touch("add_passkey")
    assert (await console.add(a_device(4), "key", touch=touch)).json()["code"] == "passkey_rejected"


async def test_a_touch_is_of_the_session_that_is_there(console: Console) -> None:
    await console.add_first()
    [passkey] = staff_identity(console).staff_passkeys
    touch = await console.touch("add_passkey")
    count = staff_identity(console).staff_passkeys[0].sign_count
    added = await console.add(a_device(2), "key", touch=touch)
    assert added.status_code == 200
    assert staff_identity(console).staff_passkeys[0].sign_count > count, "the use is recorded"
    console.token = added.json()["access_token"]
    # The audit fails, so nothing is added or removed.
    touch = await console.touch("remove_passkey")
    console.harness.faults.fail_on("audit_log.add")
    path = f"{PASSKEYS}/{passkey.id}"
    assert await console.code("DELETE", path, {"touch": touch}) == "audit_failed"
    console.harness.faults.reset()
    touch = await console.touch("add_passkey")
    console.harness.faults.fail_on("audit_log.add")
    assert (await console.add(a_device(3), "third", touch=touch)).json()["code"] == "audit_failed"
    assert len(staff_identity(console).staff_passkeys) == 2


async def test_what_cannot_be_done_costs_no_touch(console: Console) -> None:
    await console.add_first()
    touch = await console.touch("invite")
    not_staff = await console.act("passkey-invite", reason="first day", touch=touch)
    assert not_staff.json()["code"] == "not_staff"
    await console.act("promote", role="support", reason="new")
    count = staff_identity(console).staff_passkeys[0].sign_count
    invited = await console.act("passkey-invite", reason="first day", touch=touch)
    assert invited.status_code == 200, invited.text
    assert staff_identity(console).staff_passkeys[0].sign_count > count


async def test_a_touch_counts_once(console: Console) -> None:
    await console.add_first()
    await console.act("promote", role="support", reason="new")
    touch = await console.touch("invite")
    first = await console.act("passkey-invite", reason="first day", touch=touch)
    assert first.status_code == 200, first.text
    again = await console.act("passkey-invite", reason="first day", touch=touch)
    assert again.json()["code"] == "challenge_not_valid"


async def test_a_passkey_is_added_and_removed_with_a_touch_and_all_is_told(
    console: Console,
) -> None:
    first = await console.add_first()
    [by_link] = staff_identity(console).staff_passkeys
    touch = await console.touch("add_passkey")
    same_name = await console.add(a_device(2), touch=touch)
    assert (same_name.status_code, [*same_name.json()["errors"]]) == (400, ["name"])
    touch = await console.touch("add_passkey")
    added = await console.add(a_device(2), "key", touch=touch)
    assert added.status_code == 200, added.text
    assert await console.code("GET", SESSION, token=first) == "unauthenticated"
    console.token = added.json()["access_token"]
    _, second = staff_identity(console).staff_passkeys
    touch = await console.touch("remove_passkey")
    assert await console.code("DELETE", f"{PASSKEYS}/{second.id}", {"touch": touch}) == "204"
    assert await console.code("GET", SESSION) == "unauthenticated"
    entries = [
        (entry.action, entry.actor.id, entry.reason)
        for entry in console.harness.database.audit_entries
        if entry.action in (AuditAction.ADD_PASSKEY, AuditAction.REMOVE_PASSKEY)
    ]
    of_console, by_passkey = "for the console", f"by the passkey {by_link.id}"
    maker = "operating_system_user:root"
    assert entries == [
        (
            AuditAction.ADD_PASSKEY, console.staff_id,
            f"passkey {by_link.id} {of_console}, by a link of {maker}",
        ),
        (
            AuditAction.ADD_PASSKEY, console.staff_id,
            f"passkey {second.id} {of_console}, {by_passkey}",
        ),
        (
            AuditAction.REMOVE_PASSKEY, console.staff_id,
            f"passkey {second.id} {of_console}, {by_passkey}",
        ),
    ]  # fmt: skip
    for _ in range(10):  # the message is sent in a task of its own
        await asyncio.sleep(0)
    messages = console.harness.messenger.messages
    told = [str(text).partition(" ")[0] for _, text in messages if "passkey" in str(text)]
    added_notice = PhoneNotice.CONSOLE_PASSKEY_ADDED
    assert told == [added_notice, added_notice, PhoneNotice.PASSKEY_REMOVED]


async def test_ten_passkeys_are_added_in_a_day(console: Console) -> None:
    await console.add_first()
    for number in range(2, 11):
        touch = await console.touch("add_passkey")
        added = await console.add(a_device(number), f"key {number}", touch=touch)
        console.token = added.json()["access_token"]
        passkey_id = staff_identity(console).staff_passkeys[-1].id
        await console.harness.passkeys.remove_of_user(
            BY_COMMAND, console.staff_id, passkey_id, "lost"
        )
        await console.sign_in()
    touch = await console.touch("add_passkey")
    refused = await console.add(a_device(11), "key 11", touch=touch)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")


async def test_staff_lets_lower_roles_in_that_have_no_passkey_yet(console: Console) -> None:
    await console.add_first()

    async def invite(user_id: str = "") -> httpx.Response:
        touch = await console.touch("invite")
        body = {"id": user_id or console.user_id, "reason": "first day", "touch": touch}
        return await console.send("POST", "/admin/users/passkey-invite", body)

    assert (await invite()).json()["code"] == "not_staff"
    await console.act("promote", role="support", reason="new colleague")
    assert (await invite(console.staff_id)).json()["code"] == "forbidden"
    link = (await invite()).json()["link"]
    assert link.startswith(f"{PASSKEY_ORIGIN}/console#{console.user_id}.")
    administrator, own, console.token = console.token, console.device, ""
    cookies, console.http.cookies = console.http.cookies, httpx.Cookies()
    added = await console.add(a_device(4), secret=link.partition("#")[2])
    of_support = added.json()["access_token"]
    shown = (await console.send("GET", SESSION, token=of_support)).json()
    assert (shown["role"], "users:role" in shown["scopes"]) == ("support", False)
    console.http.cookies = cookies
    console.token, console.device = administrator, own
    assert (await invite()).json()["code"] == "has_passkey"
    # Of the same rank only a command lets somebody in.
    await console.harness.passkeys.remove_of_user(BY_COMMAND, console.user_id, None, "lost")
    assert (await console.act("promote", reason="now an administrator")).status_code == 200
    assert (await invite()).json()["code"] == "forbidden"


# Rights by code


async def test_rights_by_code_never_come_back_by_themselves(console: Console) -> None:
    path, actions = f"/users/{console.user_id}", console.harness.identities.operator_actions

    async def sees_number() -> bool:
        token = await console.harness.access_token(STAFF)
        return "*" not in (await console.send("GET", path, token=token)).json()["number"]

    assert await sees_number(), "an older app's administrator acts by code"
    await console.add_first()
    assert not await sees_number()
    await console.harness.passkeys.remove_of_user(BY_COMMAND, console.staff_id, None, "lost")
    assert not await sees_number(), "a passkey is lost"
    await console.add_first()
    for role in (Role.SUPPORT, Role.ADMINISTRATOR):
        await actions.change_role(console.staff_id, role)
        assert len(staff_identity(console).staff_passkeys) == 1, "another role keeps passkeys"
    assert not await sees_number()
    await console.harness.passkeys.remove_of_user(
        BY_COMMAND, console.staff_id, None, "no device", allows_codes=True
    )
    assert await sees_number(), "a command says so"
    await console.add_first()
    await console.harness.passkeys.remove_of_user(BY_COMMAND, console.staff_id, None, "lost")
    await console.harness.passkeys.remove_of_user(
        BY_COMMAND, console.staff_id, None, "no device", allows_codes=True
    )
    assert await sees_number(), "also without a passkey to remove"
    await console.add_first()
    await actions.change_role(console.staff_id, Role.MEMBER)
    assert staff_identity(console).passkeys == ()
    await actions.change_role(console.staff_id, Role.ADMINISTRATOR)
    assert await sees_number(), "the role is a new one"


async def test_a_code_for_somebody_with_a_passkey_is_a_warning_on_an_unknown_device(
    console: Console,
) -> None:
    def warnings() -> int:
        return len(console.harness.events.of_type(StaffSignedInByCode))

    await console.harness.access_token(STAFF)
    await console.harness.access_token(a_phone(3))
    assert warnings() == 0
    await console.add_first()
    logged_in = await console.harness.open_session(STAFF)
    assert warnings() == 1
    await console.harness.open_session(STAFF, logged_in.device_token)
    assert warnings() == 1


async def test_the_last_passkey_of_the_own_account_stays_where_all_staff_needs_one() -> None:
    async with open_console(AppHarness(needs_staff_passkeys=True)) as console:
        by_code = await console.harness.access_token(STAFF)
        shown = await console.send("GET", f"/users/{console.user_id}", token=by_code)
        assert "*" in shown.json()["number"]
        await console.add_first()
        [passkey] = staff_identity(console).staff_passkeys
        path = f"{PASSKEYS}/{passkey.id}"
        assert await console.code("DELETE", path, {}) == "last_passkey"


async def test_a_passkey_of_the_staff_keeps_the_host_that_it_is_for(console: Console) -> None:
    await console.add_first()
    [passkey] = staff_identity(console).staff_passkeys
    assert (passkey.rp_id, passkey.is_staff) == ("example.org", True)
    session = staff_identity(console).sessions[-1]
    assert session.kind is SessionKind.CONSOLE
    assert replace(session, cookie_hash="") != session

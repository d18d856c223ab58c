"""A touch of a passkey for what lasts longer than the session."""

import asyncio
import json
from typing import Final

import httpx

from application.features.passkeys.staff_passkeys import ConsolePasskeyAdded
from domain.administration.audit import AuditAction
from domain.identities.phone_change import PhoneNotice
from tests.support.app_harness import PASSKEY_ORIGIN
from tests.support.console import (
    BY_COMMAND,
    PASSKEYS,
    SESSION,
    STAFF,
    Console,
    a_device,
)

OWN_PASSKEYS: Final = "/users/me/passkeys"


async def test_a_stolen_session_adds_and_removes_no_passkey_and_makes_no_link(
    console: Console,
) -> None:
    await console.add_first()
    [passkey] = console.staff.staff_passkeys
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
    assert console.staff.staff_passkeys[0].id == passkey.id


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
    [passkey] = console.staff.staff_passkeys
    touch = await console.touch("add_passkey")
    count = console.staff.staff_passkeys[0].sign_count
    added = await console.add(a_device(2), "key", touch=touch)
    assert added.status_code == 200
    assert console.staff.staff_passkeys[0].sign_count > count, "the use is recorded"
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
    assert len(console.staff.staff_passkeys) == 2


async def test_what_cannot_be_done_costs_no_touch(console: Console) -> None:
    await console.add_first()
    touch = await console.touch("invite")
    not_staff = await console.act("passkey-invite", reason="first day", touch=touch)
    assert not_staff.json()["code"] == "not_staff"
    await console.act("promote", role="support", reason="new")
    count = console.staff.staff_passkeys[0].sign_count
    invited = await console.act("passkey-invite", reason="first day", touch=touch)
    assert invited.status_code == 200, invited.text
    assert console.staff.staff_passkeys[0].sign_count > count


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
    [by_link] = console.staff.staff_passkeys
    touch = await console.touch("add_passkey")
    same_name = await console.add(a_device(2), touch=touch)
    assert (same_name.status_code, [*same_name.json()["errors"]]) == (400, ["name"])
    touch = await console.touch("add_passkey")
    added = await console.add(a_device(2), "key", touch=touch)
    assert added.status_code == 200, added.text
    assert await console.code("GET", SESSION, token=first) == "unauthenticated"
    console.token = added.json()["access_token"]
    _, second = console.staff.staff_passkeys
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
        passkey_id = console.staff.staff_passkeys[-1].id
        await console.harness.passkeys.remove_of_user(
            BY_COMMAND, console.staff_id, passkey_id, "lost"
        )
        await console.sign_in()
    touch = await console.touch("add_passkey")
    refused = await console.add(a_device(11), "key 11", touch=touch)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    left_out = [
        each.message_left_out for each in console.harness.events.of_type(ConsolePasskeyAdded)
    ]
    assert left_out == [""] * 4 + ["per_identity"] * 6  # those are added without the message


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

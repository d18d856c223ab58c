"""The door of the staff: who gets a session of the console, and what a code is worth beside it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from application.identities.events import StaffSignedInByCode
from domain.identities.role import Role
from domain.identities.session import SessionKind
from domain.otp.challenge import OtpCode
from domain.otp.fixed_codes import FixedCode, FixedCodes
from domain.otp.sliding_window import SlidingWindow
from entrypoints.features.admin import ADMIN
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
    [of_staff] = console.staff.staff_passkeys
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
    _, token = await ADMIN.of(console.harness.use_cases).tokens.create(
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
    assert len(console.staff.staff_passkeys) == 1
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
    """A role that is lost between the check of an answer and the write closes the door."""
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
    [passkey] = console.staff.staff_passkeys
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
    assert console.staff.staff_passkeys == (passkey,)


async def test_nobody_with_a_test_code_signs_in() -> None:
    async with open_console() as console:
        await console.add_first()
        secret = await console.invite()
        fixed_codes = FixedCodes((FixedCode(STAFF, OtpCode("123456")),))
        passkeys = console.harness.staff_passkeys
        passkeys.sign_in = replace(passkeys.sign_in, fixed_codes=fixed_codes)
        passkeys.passkeys = replace(passkeys.passkeys, fixed_codes=fixed_codes)
        assert (await console.ask_to_sign_in()).json()["code"] == "passkey_rejected"
        added = await console.add(a_device(2), "second", secret=secret)
        assert added.json()["code"] == "invitation_not_valid"


async def test_a_block_of_a_network_does_not_close_it(console: Console) -> None:
    """Otherwise staff could not end a wrong one."""
    await console.add_first()
    block = {"network": "10.1.2.0/24", "seconds": 7200, "reason": "flood"}
    assert (await console.send("POST", "/admin/blocks", block)).status_code == 200
    assert await console.code("POST", "/auth/passkey/options", token="") == "too_many_attempts"
    await console.sign_in()


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
        assert len(console.staff.staff_passkeys) == 1, "another role keeps passkeys"
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
    assert console.staff.passkeys == ()
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
        [passkey] = console.staff.staff_passkeys
        path = f"{PASSKEYS}/{passkey.id}"
        assert await console.code("DELETE", path, {}) == "last_passkey"


async def test_a_passkey_of_the_staff_keeps_the_host_that_it_is_for(console: Console) -> None:
    await console.add_first()
    [passkey] = console.staff.staff_passkeys
    assert (passkey.rp_id, passkey.is_staff) == ("example.org", True)
    session = console.staff.sessions[-1]
    assert session.kind is SessionKind.CONSOLE
    assert replace(session, cookie_hash="") != session

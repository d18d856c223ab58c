"""What a session of the console is worth, where, and what ends it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from domain.identities.role import Role
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import a_phone
from tests.support.console import (
    BY_COMMAND,
    SESSION,
    STAFF,
    Console,
    a_device,
    open_console,
)
from tests.support.http_app import open_http_client
from tests.support.http_settings import make_http_settings

OWN_PASSKEYS: Final = "/users/me/passkeys"


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
    sessions = console.staff.sessions
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
    used_before = [each for each in console.staff.sessions if each.is_console]
    for method, path in [
        ("GET", "/users/me"), ("DELETE", "/users/me"), ("GET", "/auth/sessions"),
        ("GET", "/library"), ("GET", "/calls"), ("POST", f"{OWN_PASSKEYS}/options"),
        ("GET", f"/users/{console.user_id}"),
    ]:  # fmt: skip
        assert await console.code(method, path, token=token) == "unauthenticated", path
    used_after = [each for each in console.staff.sessions if each.is_console]
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
    other = replace(console.harness, has_console=False)
    async with open_http_client(other.use_cases, make_http_settings("http://test")) as http:
        http.cookies = console.http.cookies
        elsewhere = replace(console, http=http)
        assert (await elsewhere.act("block", reason="ticket")).status_code == 401
    assert (await console.act("block", reason="ticket")).status_code == 200


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

    identity = console.staff
    assert [each for each in identity.sessions if each.is_console] == []
    assert identity.staff.invitation is None
    assert await console.code("GET", SESSION) == "unauthenticated"

"""Logins: repeated ones, those of known devices, decisions of a hook, and recycled phones."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from application.identities.additions import AllowLogin, PendingLogin, RejectLogin
from application.identities.events import IdentityDetached, LoginRejectedByHook, LoginSucceeded
from application.otp.log_in import LoggedIn, OtpRejected
from application.ports.errors import StorageUnavailable
from domain.errors import (
    LoginRejected,
    TooManyAttempts,
    TooManyAttemptsFromIp,
    TooManyOtpRequests,
    UserNotFound,
)
from domain.identities.device_token import DeviceToken
from domain.identities.role import Role
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from tests.support.at_each_operation import Act, Attempt, Fault, at_each_operation
from tests.support.builders import CLIENT_IP, a_parsed_token, a_phone
from tests.support.core_harness import CoreHarness, make_core_policy, wrong_code

OTHER_IP = "198.51.100.20"


async def log_in(app: CoreHarness, **options: Any) -> tuple[LoggedIn, str, str]:
    """Log in with a request id; return the result, the code and the id."""
    request_id = (await app.request_otp()).request_id
    code = app.last_code
    result = await app.verify_otp(code, request_id=request_id, **options)
    assert isinstance(result, LoggedIn)
    return result, code, request_id


@pytest.mark.parametrize(("age", "with_refresh"), [(0, False), (270, True)])
async def test_a_repeat_gets_the_same_session_device_and_kind_of_tokens(
    app: CoreHarness, age: int, *, with_refresh: bool
) -> None:
    request_id = (await app.request_otp()).request_id
    code = app.last_code
    app.advance(age)
    first = await app.verify_otp(code, request_id=request_id, with_refresh=with_refresh)
    assert isinstance(first, LoggedIn)
    app.advance(30)
    # A login on another device does not end this.
    await app.request_otp(client_ip=OTHER_IP)
    assert isinstance(await app.verify_otp(app.last_code, client_ip=OTHER_IP), LoggedIn)
    results = [first]
    for seconds in (20, 9):
        app.advance(seconds)
        again = await app.verify_otp(
            code, request_id=request_id, client_ip=OTHER_IP, with_refresh=not with_refresh
        )
        assert isinstance(again, LoggedIn)
        assert again.device_token == first.device_token
        assert again.identity.id == first.identity.id
        assert again.tokens.refresh_token == first.tokens.refresh_token
        results.append(again)
    assert app.events.types.count(LoginSucceeded) == 2
    tokens = [result.tokens.access_token for result in results]
    sessions = {(await app.identities.authenticate(token)).session.id for token in tokens}
    assert (len(sessions), count_sessions(app)) == (1, 2)


async def test_a_login_that_its_repeat_overtakes_gets_the_same_session(app: CoreHarness) -> None:
    request_id = (await app.request_otp()).request_id
    code, repeats = app.last_code, []

    async def repeat() -> None:
        repeats.append(await app.verify_otp(code, request_id=request_id))

    app.faults.run_before("identities.add", repeat)
    first = await app.verify_otp(code, request_id=request_id)

    for login in (first, *repeats):
        assert isinstance(login, LoggedIn)
        await app.identities.authenticate(login.tokens.access_token)
    assert (len(repeats), count_sessions(app)) == (1, 1)


async def authenticate(app: CoreHarness, login: LoggedIn) -> None:
    await app.identities.authenticate(login.tokens.access_token)


@pytest.mark.parametrize(
    "end",
    [
        authenticate,
        lambda app, login: app.identities.refresh_session(
            a_parsed_token(login.tokens.refresh_token), CLIENT_IP
        ),
        lambda app, _: app.identities.operator_actions.revoke_sessions(a_phone()),
    ],
)
async def test_a_session_that_is_used_or_ended_is_not_repeated(
    app: CoreHarness, end: Callable[[CoreHarness, LoggedIn], Awaitable[object]]
) -> None:
    login, code, request_id = await log_in(app, with_refresh=True)
    await end(app, login)
    assert isinstance(await app.verify_otp(code, request_id=request_id), OtpRejected)


async def test_only_the_code_and_the_request_id_of_the_login_repeat_it(app: CoreHarness) -> None:
    await app.request_otp()
    other_id = (await app.request_otp()).request_id
    app.advance(15)
    _, code, request_id = await log_in(app)
    for sent_id in (None, other_id, "unknown"):
        assert isinstance(await app.verify_otp(code, request_id=sent_id), OtpRejected)
    assert isinstance(await app.verify_otp(code, request_id=request_id), LoggedIn)
    # One that was without an id is not repeated.
    request_id = (await app.request_otp()).request_id
    assert isinstance(await app.verify_otp(app.last_code), LoggedIn)
    for repeated_id in (None, request_id):
        assert await app.verify_otp(app.last_code, request_id=repeated_id) == OtpRejected(0)


async def test_the_legacy_api_repeats_its_own_login_for_the_same_ip(app: CoreHarness) -> None:
    await app.request_otp()
    code = app.last_code
    first = await app.verify_otp(code, is_legacy=True)
    assert isinstance(first, LoggedIn)
    app.advance(59)
    for options in ({"client_ip": OTHER_IP, "is_legacy": True}, {}, {"request_id": "unknown"}):
        assert isinstance(await app.verify_otp(code, **options), OtpRejected)
    assert isinstance(await app.verify_otp(wrong_code(code), is_legacy=True), OtpRejected)
    again = await app.verify_otp(code, is_legacy=True)
    assert isinstance(again, LoggedIn)
    for login in (first, again):
        await app.identities.authenticate(login.tokens.access_token)
    assert count_sessions(app) == 1
    # It repeats no other login.
    await log_in(app)
    assert isinstance(await app.verify_otp(app.last_code, is_legacy=True), OtpRejected)


async def test_a_repeat_is_told_after_the_guesses_beside_it_were_counted(app: CoreHarness) -> None:
    """Otherwise somebody at the IP of the login finds its code, however many guesses it takes."""
    await app.request_otp()
    code = app.last_code
    assert isinstance(await app.verify_otp(code, is_legacy=True), LoggedIn)

    async def guess() -> None:
        for number in range(1, 6):
            wrong = f"{(int(code) + number) % 10**6:06}"
            assert isinstance(await app.verify_otp(wrong, is_legacy=True), OtpRejected)

    app.faults.run_before("phone_verifications.save", guess)
    with pytest.raises(TooManyAttempts):
        await app.verify_otp(code, is_legacy=True)


async def test_a_first_use_that_races_with_a_repeat_is_recorded(app: CoreHarness) -> None:
    login, code, request_id = await log_in(app)
    app.faults.run_before("identities.replace", lambda: app.verify_otp(code, request_id=request_id))
    await authenticate(app, login)
    assert app.faults.has_fired
    assert isinstance(await app.verify_otp(code, request_id=request_id), OtpRejected)


async def test_no_response_leaves_before_the_first_use_is_recorded(app: CoreHarness) -> None:
    login, code, request_id = await log_in(app)
    app.faults.fail_on("identities.replace")
    with pytest.raises(StorageUnavailable):
        await authenticate(app, login)
    app.faults.reset()
    assert isinstance(await app.verify_otp(code, request_id=request_id), LoggedIn)


@pytest.mark.parametrize("kind", ["first login", "repeat"])
async def test_a_login_or_repeat_that_is_interrupted_at_any_operation_is_repeated(
    kind: str,
) -> None:
    async def start() -> tuple[CoreHarness, Act]:
        app = CoreHarness()
        request_id = (await app.request_otp()).request_id
        verify = partial(app.verify_otp, app.last_code, request_id=request_id)
        if kind == "repeat":
            await verify()
        return app, verify

    async for app, verify in at_each_operation(start, *Fault):
        assert isinstance(await verify(), LoggedIn)
        assert count_sessions(app) == 1


def count_sessions(app: CoreHarness) -> int:
    """Return how many sessions the only identity has."""
    (identity,) = app.database.identities.values()
    return len(identity.value.sessions)


async def test_a_login_that_stalls_finds_that_its_code_was_used_after_a_deletion(
    app: CoreHarness,
) -> None:
    await app.log_in()
    app.advance(hours=12)
    request_id = (await app.request_otp()).request_id
    code = app.last_code

    async def repeat_and_delete() -> None:
        repeated = await app.verify_otp(code, request_id=request_id)
        assert isinstance(repeated, LoggedIn)
        await app.identities.delete_user(
            await app.identities.authenticate(repeated.tokens.access_token)
        )
        await app.operations.cleanup()

    app.faults.run_before("identities.replace", repeat_and_delete)
    assert isinstance(await app.verify_otp(code, request_id=request_id), OtpRejected)
    [deleted] = app.database.identities.values()
    assert deleted.value.purged_at == app.clock.now()
    assert [used.session_id for used in deleted.value.used_challenges] == [None]

    app.advance(hours=1)
    assert (await app.operations.cleanup())["expired_identities"] == 1
    [deleted] = app.database.identities.values()
    assert deleted.value.used_challenges == ()


async def is_recognized(app: CoreHarness, token: DeviceToken | None) -> bool:
    """Use up what strangers have, and return whether the device may still request a code."""
    app.advance(days=1)
    for number in range(4):
        await app.request_otp(client_ip=f"192.0.2.{number}")
    try:
        await app.request_otp(client_ip=OTHER_IP, device_token=token)
    except TooManyOtpRequests:
        return False
    return True


async def test_a_login_returns_a_token_that_is_recognized_and_not_stored(app: CoreHarness) -> None:
    token = (await app.open_session()).device_token
    assert token is not None
    assert await is_recognized(app, token)
    (identity,) = app.database.identities.values()
    assert [device.id for device in identity.value.devices] == [token.device_id]
    assert token.secret.hex() not in repr(identity)


async def test_a_device_that_failed_too_often_gets_another_token(app: CoreHarness) -> None:
    token = (await app.open_session()).device_token
    for _ in range(4):
        app.advance(hours=1)
        await app.request_otp(client_ip=OTHER_IP)
        for number in range(1, 6):
            wrong = wrong_code(app.last_code, number)
            await app.verify_otp(wrong, client_ip=OTHER_IP, device_token=token)
    app.advance(days=1)
    other = (await app.open_session(device_token=token)).device_token
    assert other != token
    assert await is_recognized(app, other)


@pytest.mark.parametrize("sent", ["device token", "request id"])
async def test_no_stranger_at_the_same_ip_uses_up_the_attempts_of_a_token_or_id(sent: str) -> None:
    limits = RateLimits(verifications_per_ip=SlidingWindow(1, timedelta(hours=1)))
    app = CoreHarness(policy=make_core_policy(rate_limits=limits))
    token = (await app.open_session()).device_token
    app.advance(hours=12)
    request_id = (await app.request_otp()).request_id
    code = app.last_code
    await app.verify_otp("000000", a_phone(2))
    with pytest.raises(TooManyAttemptsFromIp):
        await app.verify_otp(code)
    texts: dict[str, Any] = {"device_token": token, "request_id": request_id}
    name = sent.replace(" ", "_")
    assert isinstance(await app.verify_otp(code, **{name: texts[name]}), LoggedIn)


def decide(
    app: CoreHarness, decision: AllowLogin | RejectLogin
) -> tuple[CoreHarness, list[PendingLogin]]:
    """Return the harness with a hook that decides so, and the logins that it is asked about."""
    asked = list[PendingLogin]()

    async def ask(login: PendingLogin) -> AllowLogin | RejectLogin:
        asked.append(login)
        return decision

    return app.adding(login_hook=ask), asked


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_rejected_login_uses_its_code(app: CoreHarness, *, is_known: bool) -> None:
    user_id = (await app.open_session()).identity.id if is_known else None
    app.advance(hours=12)
    sessions = app.database.identities
    app, asked = decide(app, RejectLogin("Your account is suspended."))
    request_id = (await app.request_otp()).request_id
    code = app.last_code
    assert holds_permits(app)
    assert isinstance(await app.verify_otp(wrong_code(code)), OtpRejected)
    app.events.recorded.clear()

    with pytest.raises(LoginRejected) as raised:
        await app.verify_otp(code, request_id=request_id)

    assert raised.value.message == "Your account is suspended."
    [rejected] = app.events.recorded
    assert isinstance(rejected, LoginRejectedByHook)
    assert (rejected.user_id, rejected.reason) == (user_id, "Your account is suspended.")
    assert app.database.identities == sessions
    for sent_id in (request_id, None):
        assert isinstance(await app.verify_otp(code, request_id=sent_id), OtpRejected)
    assert len(asked) == 1
    assert not holds_permits(app)

    app, _ = decide(app, AllowLogin())
    assert (await app.open_session()).identity.id == user_id or not is_known


def holds_permits(app: CoreHarness) -> bool:
    """Return whether a message holds permits of the limits that many phones share."""
    stored = app.database.phone_verifications[a_phone()].value
    return any(delivery.permits for delivery in stored.deliveries.all)


@pytest.mark.parametrize(
    ("decisions", "results"),
    [
        ([AllowLogin(), RejectLogin("no")], [LoggedIn, LoginRejected]),
        ([RejectLogin("no"), AllowLogin()], [LoginRejected, OtpRejected]),
    ],
)
async def test_the_first_of_two_decisions_about_the_same_code_wins(
    app: CoreHarness, decisions: list[AllowLogin | RejectLogin], results: list[type]
) -> None:
    delays = [1, 2]

    async def ask(_: PendingLogin) -> AllowLogin | RejectLogin:
        decision = decisions.pop(0)
        await asyncio.sleep(delays.pop(0))  # the other request asks too
        return decision

    app = app.adding(login_hook=ask)
    request_id = (await app.request_otp()).request_id
    made = await asyncio.gather(
        *(app.verify_otp(app.last_code, request_id=request_id) for _ in range(2)),
        return_exceptions=True,
    )
    assert [type(result) for result in made] == results
    assert app.events.types.count(LoginSucceeded) == (LoggedIn in results)


async def test_the_text_has_at_most_200_characters(app: CoreHarness) -> None:
    for text, shown in (
        ("  " + "x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
        ("\ud800", "?"),
    ):
        app, _ = decide(app, RejectLogin(text))
        with pytest.raises(LoginRejected) as raised:
            await app.open_session()
        assert raised.value.message == shown


# A phone that nobody used for long may have a new owner


def recycling() -> CoreHarness:
    return CoreHarness(policy=make_core_policy(recycled_after=timedelta(days=100)))


async def test_an_unused_phone_gets_a_new_identity() -> None:
    app = recycling()
    before = await app.add_user()
    app.advance(days=101)
    after = await app.log_in()
    assert after.identity.id != before.identity.id
    assert after.identity.user is None
    detached = app.database.identities[before.identity.id].value
    assert (detached.sessions, detached.devices, detached.phone) == ((), (), a_phone())
    assert app.database.phone_verifications[a_phone()].value.identity_id == after.identity.id
    assert IdentityDetached in app.events.types
    with pytest.raises(UserNotFound):
        await app.identities.get_user(before.identity.id)
    await app.create_user(after)
    app.advance(days=1)
    assert (await app.log_in()).identity.id == after.identity.id


async def test_a_device_token_and_a_role_keep_the_account_however_long_it_was_unused() -> None:
    app = recycling()
    before = await app.open_session()
    app.advance(days=101)
    after = await app.open_session(device_token=before.device_token)
    assert after.identity.id == before.identity.id
    await app.identities.operator_actions.change_role(before.identity.id, Role.SUPPORT)
    app.advance(days=1001)
    after = await app.open_session()
    assert (after.identity.id, after.identity.staff.role) == (before.identity.id, Role.SUPPORT)
    assert IdentityDetached not in app.events.types


async def leave_unused() -> tuple[CoreHarness, Attempt, str]:
    """Request a code for a phone that nobody used for long.

    Returns:
        The login with it, and the id of the phone's identity.
    """
    app = recycling()
    before = await app.add_user()
    app.advance(days=101)
    await app.request_otp()
    return app, Attempt(partial(app.verify_otp, app.last_code)), before.identity.id


async def test_an_interrupted_detachment_is_completed_by_a_login() -> None:
    async for app, login, before_id in at_each_operation(leave_unused, Fault.FAILS):
        if not isinstance(login.result, LoggedIn):
            await login()
        if not isinstance(login.result, LoggedIn):  # the code was used before
            login.result = await app.open_session()
        after_id = login.result.identity.id
        assert set(app.database.identities) == {before_id, after_id} != {before_id}
        assert len(app.database.identities[after_id].value.sessions) == 1

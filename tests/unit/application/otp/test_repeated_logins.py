"""A client that lost the response to its login sends the same request again."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from application.identities.events import LoginSucceeded
from application.otp.log_in import LoggedIn
from application.otp.verify_otp import OtpRejected
from application.ports.errors import StorageUnavailable
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.support.builders import CLIENT_IP, a_parsed_token, a_phone
from tests.support.core_harness import CoreHarness, wrong_code

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


async def refresh(app: CoreHarness, login: LoggedIn) -> None:
    token = a_parsed_token(login.tokens.refresh_token)
    await app.identities.refresh_session(token, CLIENT_IP)


@pytest.mark.parametrize(
    "end",
    [
        authenticate,
        refresh,
        lambda app, _: app.identities.operator_actions.revoke_sessions(a_phone()),
    ],
)
async def test_a_session_that_is_used_or_ended_is_not_repeated(
    app: CoreHarness, end: Callable[[CoreHarness, LoggedIn], Awaitable[None]]
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
        assert list(app.database.identities) == [identity_id(app)]


# A login whose session was not saved is completed by the same code, once


def identity_id(app: CoreHarness) -> str:
    """Return the id of the phone's identity."""
    assigned_id = app.database.phone_verifications[a_phone()].value.identity_id
    assert assigned_id is not None
    return assigned_id


def count_sessions(app: CoreHarness) -> int:
    """Return how many sessions the phone's identity has."""
    return len(app.database.identities[identity_id(app)].value.sessions)


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

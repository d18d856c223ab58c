"""Sessions and their tokens: refreshing, reuse, logout, expiry and claims."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest

from application.identities.additions import AllowLogin, PendingLogin
from application.identities.events import RefreshTokenRepeated, RefreshTokenReused
from application.identities.session_factory import Tokens
from application.identities.sessions import LogoutScope
from application.otp.log_in import LoggedIn
from application.ports.errors import ExtensionFailed, StorageUnavailable
from application.principal import Principal
from domain.errors import SessionNotFound, Unauthenticated
from domain.identities.refresh_token import RefreshToken
from domain.identities.session import SessionLimits
from tests.support.builders import CLIENT_IP, a_parsed_token
from tests.support.core_harness import CoreHarness, make_core_policy
from tests.support.keys import FIRST_KEY

NEW_KEY = ("new", b"n" * 32)
# These access tokens do not expire between two logins, so that only their session decides.
LONG_ACCESS_TOKENS = make_core_policy(
    session_limits=SessionLimits(access_token_ttl=timedelta(days=80))
)


@pytest.fixture
def app() -> CoreHarness:
    return CoreHarness(policy=LONG_ACCESS_TOKENS)


async def log_in(
    app: CoreHarness, device: str | None = None, *, with_refresh: bool = True
) -> Tokens:
    """Log in twelve hours later, when no rate limit applies."""
    return (await app.open_session(device=device, with_refresh=with_refresh)).tokens


def refresh_token(tokens: Tokens) -> RefreshToken:
    return a_parsed_token(tokens.refresh_token)


async def refresh(app: CoreHarness, tokens: Tokens, client_ip: str = CLIENT_IP) -> Tokens:
    return await app.identities.refresh_session(refresh_token(tokens), client_ip)


async def authenticate(app: CoreHarness, tokens: Tokens) -> Principal:
    return await app.identities.authenticate(tokens.access_token)


async def is_revoked(app: CoreHarness, tokens: Tokens) -> bool:
    """Return whether both tokens are invalid."""
    rejected = 0
    for use in (authenticate, refresh):
        try:
            await use(app, tokens)
        except Unauthenticated:
            rejected += 1
    assert rejected in (0, 2)
    return rejected == 2


@pytest.mark.parametrize(
    ("client_ip", "seconds", "is_reported"),
    [
        ("198.51.100.7", 9, True),
        ("203.0.113.200", 9, False),  # the same /24
        ("198.51.100.7", 10, False),
    ],
)
async def test_a_repeat_within_ten_seconds_from_another_network_is_reported_once(
    app: CoreHarness, client_ip: str, seconds: int, *, is_reported: bool
) -> None:
    tokens = await log_in(app)
    await refresh(app, tokens)
    app.advance(seconds)
    app.events.recorded.clear()

    again = [await refresh(app, tokens, client_ip) for _ in range(2)]

    assert app.events.types.count(RefreshTokenRepeated) == 2 * is_reported
    principal = await authenticate(app, again[-1])
    repeats = principal.identity.token_repeats
    assert [(each.session_id, each.repeated_at) for each in repeats] == [
        (principal.session.id, app.clock.now())
    ] * is_reported


async def test_a_repeat_from_another_network_outlives_its_session_by_thirty_days(
    app: CoreHarness,
) -> None:
    tokens = await log_in(app)
    for _ in range(6):
        successor = await refresh(app, tokens)
        await refresh(app, tokens, "198.51.100.7")
        app.advance(1)
        tokens = successor
    await app.identities.logout(await authenticate(app, tokens))

    app.advance(days=29)
    identity = (await authenticate(app, await log_in(app))).identity
    assert len(identity.token_repeats) == 5
    app.advance(days=1)
    identity = (await authenticate(app, await log_in(app))).identity
    assert identity.token_repeats == ()


async def test_a_refresh_token_that_becomes_void_during_a_refresh_ends_the_session(
    app: CoreHarness,
) -> None:
    first = await log_in(app)
    second = await refresh(app, first)
    app.advance(10)
    app.faults.run_before("identities.replace", lambda: refresh(app, first))

    with pytest.raises(Unauthenticated):
        await refresh(app, second)

    assert app.faults.has_fired
    assert await is_revoked(app, first)


async def test_a_logout_with_a_reused_refresh_token_ends_its_own_session_only(
    app: CoreHarness,
) -> None:
    other, first = await log_in(app), await log_in(app)
    latest = await refresh(app, await refresh(app, first))

    await app.identities.logout(refresh_token(first), LogoutScope.ALL)

    assert app.events.types[-1] is RefreshTokenReused
    assert [await is_revoked(app, tokens) for tokens in (other, latest)] == [False, True]


async def test_a_refresh_token_with_a_forged_mac_ends_nothing(app: CoreHarness) -> None:
    tokens = await log_in(app)
    valid_token = refresh_token(tokens)
    forged = RefreshToken(valid_token.identity_id, valid_token.session_id, 2, bytes(32))

    with pytest.raises(Unauthenticated):
        await app.identities.refresh_session(forged, CLIENT_IP)
    await app.identities.logout(forged, LogoutScope.ALL)

    assert not await is_revoked(app, tokens)


async def test_a_rotated_key_is_accepted_until_it_is_removed(app: CoreHarness) -> None:
    old, late = await log_in(app), await log_in(app)
    app.refresh_keys.change(NEW_KEY, FIRST_KEY)

    newer = await refresh(app, old)
    app.refresh_keys.change(NEW_KEY)

    await refresh(app, newer)
    with pytest.raises(Unauthenticated):
        await refresh(app, late)


@pytest.mark.parametrize(
    ("scope", "revoked"),
    [
        (LogoutScope.THIS, [False, True]),
        (LogoutScope.OTHERS, [True, False]),
        (LogoutScope.ALL, [True, True]),
    ],
)
@pytest.mark.parametrize("by_refresh_token", [False, True])
async def test_logout_revokes_all_tokens_of_the_sessions_at_once(
    app: CoreHarness, scope: LogoutScope, revoked: list[bool], by_refresh_token: bool
) -> None:
    other, first = await log_in(app), await log_in(app)
    this = await refresh(app, first)
    by = refresh_token(this) if by_refresh_token else await authenticate(app, this)

    await app.identities.logout(by, scope)

    assert [await is_revoked(app, tokens) for tokens in (other, this)] == revoked


async def test_only_its_owner_can_revoke_a_session_by_id(app: CoreHarness) -> None:
    mine, lost = await log_in(app), await log_in(app, device="lost phone")
    by = await authenticate(app, mine)
    listed = await app.identities.list_sessions(by)
    lost_id = next(session.id for session in listed if session.device == "lost phone")

    await app.identities.revoke_session(by, lost_id)

    assert await is_revoked(app, lost)
    for revoked_id in (lost_id, "0" * 32, ""):
        with pytest.raises(SessionNotFound):
            await app.identities.revoke_session(by, revoked_id)


# Claims


def app_claims_of(tokens: Tokens) -> Any:
    return jwt.decode(tokens.access_token, options={"verify_signature": False}).get("app")


def allow_with(app: CoreHarness, claims: Mapping[str, Any]) -> CoreHarness:
    """Return the harness with a hook that allows logins with these claims."""

    async def ask(_: PendingLogin) -> AllowLogin:
        return AllowLogin(claims)

    return app.adding(login_hook=ask)


def claims_of(tokens: Tokens) -> Any:
    payload = jwt.decode(tokens.access_token, options={"verify_signature": False})
    ours = {"iss", "aud", "iat", "exp", "sub", "sid", "gen", "amr", "auth_time"}
    assert {*payload} - {"x"} == ours
    return payload.get("x")


def add(app: CoreHarness, name: str, claims: Any) -> tuple[CoreHarness, list[str]]:
    """Return the harness with an extension that returns these claims, or raises them.

    The list gets the ids that the extension is asked for.
    """
    asked = []

    async def load(identity_id: str) -> Mapping[str, Any]:
        asked.append(identity_id)
        if isinstance(claims, BaseException):
            raise claims
        returned: Mapping[str, Any] = claims
        return returned

    return app.adding(token_claims={**app.additions.token_claims, name: load}), asked


async def test_a_login_its_repeat_and_each_refresh_have_the_claims_of_that_moment(
    app: CoreHarness,
) -> None:
    plan = {"plan": "free", "sub": "somebody else"}
    app, asked = add(app, "acme", plan)
    app, _ = add(app, "silent", {})
    request_id = (await app.request_otp()).request_id
    login = await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    assert isinstance(login, LoggedIn)
    assert claims_of(login.tokens) == {"acme": {"plan": "free", "sub": "somebody else"}}

    plan["plan"] = "gold"
    repeated = await app.verify_otp(app.last_code, request_id=request_id)
    assert isinstance(repeated, LoggedIn)
    tokens = await refresh(app, repeated.tokens)
    again = await refresh(app, repeated.tokens)
    for each in (repeated.tokens, tokens, again):
        assert claims_of(each)["acme"]["plan"] == "gold"

    assert asked == [login.identity.id] * 4
    principal = await app.identities.authenticate(tokens.access_token)
    assert principal.identity.id == login.identity.id


async def test_a_refresh_does_not_move_the_time_of_the_login(app: CoreHarness) -> None:
    tokens, login_at = await log_in(app), int(app.clock.now().timestamp())
    app.advance(days=1)
    for each in (tokens, await refresh(app, tokens)):
        payload = jwt.decode(each.access_token, options={"verify_signature": False})
        assert payload["auth_time"] == login_at
    plain = await log_in(app, with_refresh=False)
    payload = jwt.decode(plain.access_token, options={"verify_signature": False})
    assert "auth_time" not in payload


class BrokenMapping(dict[str, Any]):
    """A mapping that fails when it is read."""

    def __iter__(self) -> Iterator[str]:
        raise OSError("plan of +14155552671")


WRONG = [
    None,
    {"plans": [{"1": "free", 1: "gold"}]},
    BrokenMapping(plan="free"),
    {"plan": "\ud800"},
    {"plan": "é" * 100},
    OSError("plan of +14155552671"),
    SystemExit(1),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("claims", WRONG, ids=lambda claims: repr(claims)[:30])
async def test_without_right_claims_nothing_is_lost(
    app: CoreHarness, caplog: pytest.LogCaptureFixture, claims: Any
) -> None:
    caplog.set_level(logging.CRITICAL)
    request_id = (await app.request_otp()).request_id
    code = app.last_code
    right = {"plan": "free"}
    app, _ = add(app, "acme", claims)
    with pytest.raises(ExtensionFailed, match="extension acme: ") as raised:
        await app.verify_otp(code, request_id=request_id, with_refresh=True)
    assert "4155552671" not in str(raised.value)

    app, _ = add(app, "acme", right)
    login = await app.verify_otp(code, request_id=request_id, with_refresh=True)
    assert isinstance(login, LoggedIn)
    assert claims_of(login.tokens) == {"acme": right}

    app, _ = add(app, "acme", claims)
    before = dict(app.database.identities)
    with pytest.raises(ExtensionFailed, match="extension acme: "):
        await refresh(app, login.tokens)
    assert app.database.identities == before

    app, _ = add(app, "acme", right)
    app.advance(60)  # longer than a refresh is repeated
    assert claims_of(await refresh(app, login.tokens)) == {"acme": right}


async def test_claims_that_take_too_long_fail(app: CoreHarness) -> None:
    async def hang(_: str) -> Mapping[str, Any]:
        while True:  # also if it is cancelled
            try:
                await asyncio.sleep(5)  # an extension that hangs
            except asyncio.CancelledError:
                return {}

    app = app.adding(token_claims={"acme": hang})
    with pytest.raises(ExtensionFailed, match="extension acme: no answer in time"):
        await app.open_session(with_refresh=True)


async def test_all_claims_together_leave_the_token_short(app: CoreHarness) -> None:
    def of_bytes(size: int) -> Mapping[str, str]:
        return {"a": "é" * (size // 6)}

    app, _ = add(app, "first", of_bytes(492))
    app, _ = add(app, "second", of_bytes(492))
    login = await app.open_session(with_refresh=True)
    app, _ = add(app, "third", {"a": 1})
    app, _ = add(app, "fourth", {"a": "x" * 40})
    with pytest.raises(ExtensionFailed, match="first, second, third, fourth"):
        await refresh(app, login.tokens)


async def test_a_session_keeps_the_claims_of_its_login(app: CoreHarness) -> None:
    app = allow_with(app, {"plan": "goldé", "shop": 7})
    request_id = (await app.request_otp()).request_id
    # The session is not saved: the retry is not asked about again.
    app.faults.fail_on("identities.add")
    with pytest.raises(StorageUnavailable):
        await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    app = allow_with(app, {"plan": "free"})
    login = await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    repeated = await app.verify_otp(app.last_code, request_id=request_id, with_refresh=True)
    assert isinstance(login, LoggedIn)
    assert isinstance(repeated, LoggedIn)
    refreshed = await refresh(app, login.tokens)
    for tokens in (login.tokens, repeated.tokens, refreshed, await refresh(app, refreshed)):
        assert app_claims_of(tokens) == {"plan": "goldé", "shop": 7}

    # Another session has its own, and a long-lived token none.
    other = await app.open_session(with_refresh=True)
    assert app_claims_of(other.tokens) == {"plan": "free"}
    assert app_claims_of((await app.open_session()).tokens) is None
    assert app_claims_of(await refresh(app, refreshed)) == {"plan": "goldé", "shop": 7}

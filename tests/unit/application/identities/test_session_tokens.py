"""Sessions and their tokens: refreshing, reuse, logout and expiry."""

from datetime import timedelta

import pytest

from application.identities.events import RefreshTokenRepeated, RefreshTokenReused
from application.identities.session_factory import Tokens
from application.identities.sessions import LogoutScope
from application.otp.log_in import LoggedIn
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
    app.advance(hours=12)
    await app.request_otp()
    code = app.messenger.messages[-1].code
    result = await app.verify_otp(code, device=device, with_refresh=with_refresh)
    assert isinstance(result, LoggedIn)
    return result.tokens


def refresh_token(tokens: Tokens) -> RefreshToken:
    assert tokens.refresh_token is not None
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

"""Sessions and their tokens: refreshing, reuse, logout and expiry."""

import asyncio
from datetime import timedelta

import pytest

from application.identities.session_factory import TokenLifetimes, Tokens
from application.identities.sessions import Scope
from application.otp.verify_otp import LoggedIn
from application.principal import Principal
from application.wiring import Policy
from domain.errors import SessionNotFound, Unauthenticated
from domain.identities.refresh_token import RefreshToken, parse_refresh_token
from domain.identities.session import SessionLimits
from tests.support.app_harness import AppHarness
from tests.support.keys import FIRST_KEY

PARALLEL = 50

NEW_KEY = ("new", b"n" * 32)
# These access tokens do not expire between two logins, so that only their session decides.
LONG_ACCESS_TOKENS = Policy(lifetimes=TokenLifetimes(access=timedelta(days=80)))


@pytest.fixture
def app() -> AppHarness:
    return AppHarness(policy=LONG_ACCESS_TOKENS)


async def log_in(
    app: AppHarness, device: str | None = None, *, with_refresh: bool = True
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
    return parse_refresh_token(tokens.refresh_token)


async def refresh(app: AppHarness, tokens: Tokens) -> Tokens:
    return await app.use_cases.refresh_session(refresh_token(tokens))


async def authenticate(app: AppHarness, tokens: Tokens) -> Principal:
    return await app.use_cases.authenticate(tokens.access_token)


async def is_revoked(app: AppHarness, tokens: Tokens) -> bool:
    """Return whether both tokens are invalid."""
    rejected = 0
    for use in (authenticate, refresh):
        try:
            await use(app, tokens)
        except Unauthenticated:
            rejected += 1
    assert rejected in (0, 2)
    return rejected == 2


async def test_refreshing_returns_new_tokens_of_the_same_session() -> None:
    app = AppHarness()
    first = await log_in(app)
    session_id = (await authenticate(app, first)).session.id
    assert first.expires_in == 15 * 60
    app.advance(15 * 60)
    with pytest.raises(Unauthenticated):
        await authenticate(app, first)

    second = await refresh(app, first)

    assert second.refresh_token != first.refresh_token
    assert (await authenticate(app, second)).session.id == session_id


async def test_parallel_refreshes_return_one_refresh_token(app: AppHarness) -> None:
    first = await log_in(app)

    pairs = await asyncio.gather(*(refresh(app, first) for _ in range(PARALLEL)))

    assert len({tokens.refresh_token for tokens in pairs}) == 1
    app.advance(11)
    third = await refresh(app, pairs[0])
    assert third.refresh_token not in (first.refresh_token, pairs[0].refresh_token)


async def test_repeating_a_refresh_returns_the_same_token_for_ten_seconds(app: AppHarness) -> None:
    first = await log_in(app)
    second = await refresh(app, first)
    await authenticate(app, second)
    app.advance(9.999)

    assert (await refresh(app, first)).refresh_token == second.refresh_token


async def test_a_client_that_lost_the_response_repeats_the_refresh_a_day_later(
    app: AppHarness,
) -> None:
    first = await log_in(app)
    lost = await refresh(app, first)
    app.advance(24 * 3600)

    repeated = await refresh(app, first)

    assert repeated.refresh_token == lost.refresh_token
    assert repeated.refresh_expires_in == (lost.refresh_expires_in or 0) - 24 * 3600
    await authenticate(app, repeated)


async def test_the_previous_refresh_token_ends_the_session_after_a_use_of_the_new_tokens(
    app: AppHarness,
) -> None:
    first = await log_in(app)
    second = await refresh(app, first)
    app.advance(10)
    await authenticate(app, first)
    assert (await refresh(app, first)).refresh_token == second.refresh_token

    await authenticate(app, second)

    with pytest.raises(Unauthenticated):
        await refresh(app, first)

    assert await is_revoked(app, second)


async def test_a_refresh_token_two_generations_old_ends_the_session_at_once(
    app: AppHarness,
) -> None:
    first = await log_in(app)
    second = await refresh(app, first)
    third = await refresh(app, second)

    with pytest.raises(Unauthenticated):
        await refresh(app, first)

    assert await is_revoked(app, third)


async def test_a_reused_refresh_token_ends_no_other_session(app: AppHarness) -> None:
    other = await log_in(app)
    first = await log_in(app)
    await refresh(app, await refresh(app, first))
    with pytest.raises(Unauthenticated):
        await refresh(app, first)

    await authenticate(app, await refresh(app, other))


@pytest.mark.parametrize("generation", [0, 1, 2, 2**32 - 1])
async def test_a_refresh_token_with_a_forged_mac_ends_nothing(
    app: AppHarness, generation: int
) -> None:
    tokens = await log_in(app)
    valid_token = refresh_token(tokens)
    forged = RefreshToken(valid_token.identity_id, valid_token.session_id, generation, bytes(32))

    with pytest.raises(Unauthenticated):
        await app.use_cases.refresh_session(forged)
    await app.use_cases.logout(forged, Scope.ALL)

    assert not await is_revoked(app, tokens)


async def test_a_mac_is_valid_only_for_its_generation_session_and_identity(
    app: AppHarness,
) -> None:
    first, second = await log_in(app), await log_in(app)
    own, other = refresh_token(first), refresh_token(second)
    for forged in (
        RefreshToken(own.identity_id, own.session_id, 2, own.mac),
        RefreshToken(own.identity_id, other.session_id, 1, own.mac),
        RefreshToken("f" * 24, own.session_id, 1, own.mac),
    ):
        with pytest.raises(Unauthenticated):
            await app.use_cases.refresh_session(forged)

    assert not await is_revoked(app, first)
    assert not await is_revoked(app, second)


async def test_a_rotated_key_is_accepted_until_it_is_removed(app: AppHarness) -> None:
    old = await log_in(app)
    app.refresh_keys.change(NEW_KEY, FIRST_KEY)

    newer = await refresh(app, old)
    app.refresh_keys.change(NEW_KEY)

    await refresh(app, newer)
    with pytest.raises(Unauthenticated):
        await refresh(app, await _log_in_with_old_key(app))


async def _log_in_with_old_key(app: AppHarness) -> Tokens:
    app.refresh_keys.change(FIRST_KEY)
    tokens = await log_in(app)
    app.refresh_keys.change(NEW_KEY)
    return tokens


@pytest.mark.parametrize(
    ("scope", "revoked"),
    [
        (Scope.THIS, [False, True]),
        (Scope.OTHERS, [True, False]),
        (Scope.ALL, [True, True]),
    ],
)
@pytest.mark.parametrize("by_refresh_token", [False, True])
async def test_logout_revokes_all_tokens_of_the_sessions_at_once(
    app: AppHarness, scope: Scope, revoked: list[bool], by_refresh_token: bool
) -> None:
    other, first = await log_in(app), await log_in(app)
    this = await refresh(app, first)
    caller = refresh_token(this) if by_refresh_token else await authenticate(app, this)

    await app.use_cases.logout(caller, scope)

    assert [await is_revoked(app, tokens) for tokens in (other, this)] == revoked


async def test_only_its_owner_can_revoke_a_session_by_id(app: AppHarness) -> None:
    mine, lost = await log_in(app), await log_in(app, device="lost phone")
    caller = await authenticate(app, mine)
    listed = await app.use_cases.list_sessions(caller)
    lost_id = next(item.session.id for item in listed if item.session.device == "lost phone")

    await app.use_cases.revoke_session(caller, lost_id)

    assert await is_revoked(app, lost)
    for revoked_id in (lost_id, "0" * 32, ""):
        with pytest.raises(SessionNotFound):
            await app.use_cases.revoke_session(caller, revoked_id)


async def test_sessions_are_listed_with_device_and_last_use_latest_first(app: AppHarness) -> None:
    old, new = await log_in(app, device="old"), await log_in(app, device="new")
    app.advance(30)
    old = await refresh(app, old)
    app.advance(1)

    listed = await app.use_cases.list_sessions(await authenticate(app, new))

    assert [(item.session.device, item.is_current) for item in listed] == [
        ("old", False),
        ("new", True),
    ]
    assert listed[0].session.last_seen_at == app.clock.now() - timedelta(seconds=1)
    assert (
        listed[0].session.created_at
        < listed[1].session.created_at
        == listed[1].session.last_seen_at
    )


async def test_the_last_use_of_a_session_is_saved_once_a_day(app: AppHarness) -> None:
    tokens = await log_in(app, with_refresh=False)
    logged_in_at = app.clock.now()

    app.advance(hours=23.9)
    assert (await authenticate(app, tokens)).session.last_seen_at == logged_in_at
    await authenticate(app, tokens)
    app.advance(hours=0.2)
    await authenticate(app, tokens)

    session = (await authenticate(app, tokens)).session
    assert session.last_seen_at == app.clock.now()
    assert session.expires_at == logged_in_at + timedelta(days=90)


async def test_only_unused_refresh_tokens_expire(
    app: AppHarness,
) -> None:
    used, unused = await log_in(app), await log_in(app)
    for _ in range(9):
        app.advance(days=30)
        used = await refresh(app, used)

    assert await is_revoked(app, unused)
    assert not await is_revoked(app, used)
    assert used.refresh_expires_in == 90 * 24 * 3600


async def test_the_twenty_first_session_ends_the_oldest(app: AppHarness) -> None:
    pairs = [await log_in(app) for _ in range(21)]

    assert [await is_revoked(app, tokens) for tokens in pairs[:2]] == [True, False]
    assert not await is_revoked(app, pairs[-1])


async def test_a_session_ends_when_it_is_not_used_for_the_idle_timeout() -> None:
    limits = SessionLimits(idle_timeout=timedelta(hours=10))
    app = AppHarness(policy=Policy(session_limits=limits))
    tokens = await log_in(app, with_refresh=False)
    for _ in range(3):
        app.advance(hours=9)
        await authenticate(app, tokens)

    app.advance(hours=10)

    with pytest.raises(Unauthenticated):
        await authenticate(app, tokens)


async def test_a_session_ends_at_its_maximum_age_however_often_it_is_refreshed() -> None:
    app = AppHarness(policy=Policy(session_limits=SessionLimits(max_age=timedelta(days=100))))
    tokens = await log_in(app)
    app.advance(days=80)
    tokens = await refresh(app, tokens)
    assert tokens.refresh_expires_in == 20 * 86_400

    app.advance(days=20)

    with pytest.raises(Unauthenticated):
        await refresh(app, tokens)

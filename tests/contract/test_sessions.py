"""Sessions and their refresh tokens, over whatever database."""

import asyncio
from datetime import timedelta

import pytest

from application.identities.session_factory import TokenLifetimes, Tokens
from application.identities.sessions import Scope
from application.otp.verify_otp import LoggedIn
from application.ports.repositories import Repositories
from application.principal import Principal
from application.wiring import Policy
from domain.errors import SessionNotFound, Unauthenticated
from domain.identities.refresh_token import RefreshToken, parse_refresh_token
from tests.unit.application.wiring import House

AT_ONCE = 50


# Access tokens outlive the waits between sign-ins: whether one counts is up to its session.
LONG = Policy(lifetimes=TokenLifetimes(access=timedelta(days=80)))


@pytest.fixture
def house(records: Repositories) -> House:
    return House(records=records, rules=LONG)


async def signed_in(house: House, device: str | None = None) -> Tokens:
    """Sign in with a refresh token; half a day later, so that no budget is in the way."""
    house.wait(hours=12)
    await house.ask()
    code = house.messenger.messages[-1].code
    outcome = await house.answer(code, device=device, wants_refresh=True)
    assert isinstance(outcome, LoggedIn)
    return outcome.tokens


def refresh_token(tokens: Tokens) -> RefreshToken:
    assert tokens.refresh_token is not None
    return parse_refresh_token(tokens.refresh_token)


async def refresh(house: House, tokens: Tokens) -> Tokens:
    return await house.use_cases.refresh_session(refresh_token(tokens))


async def principal(house: House, tokens: Tokens) -> Principal:
    return await house.use_cases.authenticate(tokens.access_token)


async def is_over(house: House, tokens: Tokens) -> bool:
    """Whether neither of the tokens is good for anything."""
    refused = 0
    for use in (principal, refresh):
        try:
            await use(house, tokens)
        except Unauthenticated:
            refused += 1
    assert refused in (0, 2)
    return refused == 2


async def test_a_refresh_token_brings_a_new_pair_of_the_same_session(house: House) -> None:
    first = await signed_in(house)
    house.wait(60)

    second = await refresh(house, first)

    assert second.refresh_token != first.refresh_token
    assert (await principal(house, second)).session.id == (await principal(house, first)).session.id


async def test_an_access_token_lives_a_quarter_of_an_hour_and_its_session_longer(
    records: Repositories,
) -> None:
    house = House(records=records)
    tokens = await signed_in(house)
    assert tokens.expires_in == 15 * 60
    house.wait(15 * 60)

    with pytest.raises(Unauthenticated):
        await principal(house, tokens)
    await principal(house, await refresh(house, tokens))


async def test_fifty_refreshes_at_once_give_one_lineage(house: House) -> None:
    first = await signed_in(house)

    pairs = await asyncio.gather(*(refresh(house, first) for _ in range(AT_ONCE)))

    assert len({one.refresh_token for one in pairs}) == 1
    house.wait(11)
    third = await refresh(house, pairs[0])
    assert third.refresh_token not in (first.refresh_token, pairs[0].refresh_token)


async def test_fifty_at_once_at_two_instances_give_one_lineage(
    records: Repositories, records_elsewhere: Repositories
) -> None:
    here = House(records=records)
    there = House(records=records_elsewhere, clock=here.clock)
    first = await signed_in(here)

    pairs = await asyncio.gather(*(refresh(one, first) for one in [here, there] * 25))

    assert len({one.refresh_token for one in pairs}) == 1


async def test_who_lost_the_answer_gets_the_same_successor_for_ten_seconds(house: House) -> None:
    first = await signed_in(house)
    second = await refresh(house, first)
    house.wait(9.999)

    assert (await refresh(house, first)).refresh_token == second.refresh_token


async def test_after_ten_seconds_the_one_before_ends_the_session(house: House) -> None:
    first = await signed_in(house)
    second = await refresh(house, first)
    house.wait(10)

    with pytest.raises(Unauthenticated):
        await refresh(house, first)

    assert await is_over(house, second)


async def test_one_of_two_generations_ago_ends_the_session_at_once(house: House) -> None:
    first = await signed_in(house)
    second = await refresh(house, first)
    third = await refresh(house, second)

    with pytest.raises(Unauthenticated):
        await refresh(house, first)

    assert await is_over(house, third)


async def test_a_theft_ends_no_other_session(house: House) -> None:
    other = await signed_in(house)
    first = await signed_in(house)
    await refresh(house, await refresh(house, first))
    with pytest.raises(Unauthenticated):
        await refresh(house, first)

    await principal(house, await refresh(house, other))


@pytest.mark.parametrize("generation", [0, 1, 2, 2**32 - 1])
async def test_a_true_session_with_a_mac_of_somebodys_own_ends_nothing(
    house: House, generation: int
) -> None:
    tokens = await signed_in(house)
    true = refresh_token(tokens)
    forged = RefreshToken(true.identity_id, true.session_id, generation, bytes(32))

    with pytest.raises(Unauthenticated):
        await house.use_cases.refresh_session(forged)
    await house.use_cases.logout(forged, Scope.ALL)

    assert not await is_over(house, tokens)


async def test_the_mac_of_another_generation_session_or_person_is_good_for_nothing(
    house: House,
) -> None:
    first, second = await signed_in(house), await signed_in(house)
    one, other = refresh_token(first), refresh_token(second)
    for forged in (
        RefreshToken(one.identity_id, one.session_id, 2, one.mac),
        RefreshToken(one.identity_id, other.session_id, 1, one.mac),
        RefreshToken("f" * 24, one.session_id, 1, one.mac),
    ):
        with pytest.raises(Unauthenticated):
            await house.use_cases.refresh_session(forged)

    assert not await is_over(house, first)
    assert not await is_over(house, second)


async def test_a_rotated_key_is_accepted_until_it_is_gone(house: House) -> None:
    old = await signed_in(house)
    house.refresh_keys.keys = [b"n" * 32, b"r" * 32]

    newer = await refresh(house, old)
    house.refresh_keys.keys = [b"n" * 32]

    await refresh(house, newer)
    with pytest.raises(Unauthenticated):
        await refresh(house, await _of_the_old_key(house))


async def _of_the_old_key(house: House) -> Tokens:
    house.refresh_keys.keys.insert(0, b"r" * 32)
    tokens = await signed_in(house)
    house.refresh_keys.keys = [b"n" * 32]
    return tokens


async def test_signing_out_ends_every_token_of_this_session_at_once(house: House) -> None:
    other, this = await signed_in(house), await signed_in(house)
    next_pair = await refresh(house, this)

    await house.use_cases.logout(await principal(house, next_pair))

    assert await is_over(house, this)
    assert await is_over(house, next_pair)
    assert not await is_over(house, other)


async def test_the_others_can_be_signed_out(house: House) -> None:
    others = [await signed_in(house) for _ in range(3)]
    this = await signed_in(house)

    await house.use_cases.logout(await principal(house, this), Scope.OTHERS)

    assert [await is_over(house, one) for one in others] == [True] * 3
    assert not await is_over(house, this)


async def test_all_can_be_signed_out(house: House) -> None:
    pairs = [await signed_in(house) for _ in range(3)]

    await house.use_cases.logout(await principal(house, pairs[1]), Scope.ALL)

    assert [await is_over(house, one) for one in pairs] == [True] * 3


@pytest.mark.parametrize(
    ("scope", "over"),
    [
        (Scope.THIS, [False, True]),
        (Scope.OTHERS, [True, False]),
        (Scope.ALL, [True, True]),
    ],
)
async def test_a_refresh_token_signs_its_session_out(
    house: House, scope: Scope, over: list[bool]
) -> None:
    other, this = await signed_in(house), await signed_in(house)

    await house.use_cases.logout(refresh_token(this), scope)

    assert [await is_over(house, one) for one in (other, this)] == over


async def test_a_session_is_ended_by_its_id_by_its_owner_alone(house: House) -> None:
    mine, lost = await signed_in(house), await signed_in(house, device="lost phone")
    me = await principal(house, mine)
    shown = await house.use_cases.list_sessions(me)
    lost_id = next(one.session.id for one in shown if one.session.device == "lost phone")

    await house.use_cases.revoke_session(me, lost_id)

    assert await is_over(house, lost)
    for gone in (lost_id, "0" * 32, ""):
        with pytest.raises(SessionNotFound):
            await house.use_cases.revoke_session(me, gone)


async def test_the_list_tells_devices_and_last_use_the_latest_first(house: House) -> None:
    old, new = await signed_in(house, device="old"), await signed_in(house, device="new")
    house.wait(30)
    old = await refresh(house, old)
    house.wait(1)

    shown = await house.use_cases.list_sessions(await principal(house, new))

    assert [(one.session.device, one.is_current) for one in shown] == [
        ("old", False),
        ("new", True),
    ]
    assert shown[0].session.last_seen_at == house.clock.now() - timedelta(seconds=1)
    assert (
        shown[0].session.created_at < shown[1].session.created_at == shown[1].session.last_seen_at
    )


async def test_a_session_that_is_used_is_noted_once_a_day(house: House) -> None:
    await house.ask()
    outcome = await house.answer(house.messenger.messages[-1].code)
    assert isinstance(outcome, LoggedIn)
    began = house.clock.now()

    house.wait(hours=23.9)
    assert (await principal(house, outcome.tokens)).session.last_seen_at == began
    await principal(house, outcome.tokens)
    house.wait(hours=0.2)
    await principal(house, outcome.tokens)

    seen = (await principal(house, outcome.tokens)).session
    assert seen.last_seen_at == house.clock.now()
    assert seen.expires_at == began + timedelta(days=90)


async def test_a_refresh_token_that_is_not_used_lapses_and_one_in_use_does_not(
    house: House,
) -> None:
    used, unused = await signed_in(house), await signed_in(house)
    for _ in range(10):
        house.wait(days=30)
        used = await refresh(house, used)

    assert await is_over(house, unused)
    assert not await is_over(house, used)
    assert used.refresh_expires_in == 90 * 24 * 3600


async def test_a_deleted_user_has_no_refresh_token_left(house: House) -> None:
    tokens = await signed_in(house)

    await house.use_cases.delete_user(await principal(house, tokens))

    assert await is_over(house, tokens)


async def test_the_twenty_first_session_ends_the_oldest(house: House) -> None:
    pairs = [await signed_in(house) for _ in range(21)]

    assert [await is_over(house, one) for one in pairs[:2]] == [True, False]
    assert not await is_over(house, pairs[-1])

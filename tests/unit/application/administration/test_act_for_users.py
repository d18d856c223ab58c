"""What operators do for users, also where it is interrupted or meets a login."""

from datetime import timedelta
from functools import partial

import pytest

from application.administration.find_user import UserQuery
from application.administration.unblock_by_actor import BlockState
from application.identities.events import IdentityDetached
from application.otp.events import BlockedLogin
from application.otp.log_in import LoggedIn
from application.ports.errors import StorageUnavailable
from domain.administration.audit import AuditAction
from domain.errors import (
    AccountBlocked,
    ConflictingValue,
    Forbidden,
    LimitsResetBefore,
    PhoneBlocked,
    Unauthenticated,
    UserNotFound,
)
from domain.identities.role import Role
from domain.identities.user_events import EventType
from domain.identities.username import parse_username
from tests.support.acts import BY_COMMAND, IN_CONSOLE, REASON, a_token
from tests.support.at_each_operation import Act, Attempt, at_each_operation, before_each_operation
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness, make_core_policy


async def test_an_account_that_lost_its_phone_can_be_deleted_by_its_id() -> None:
    app = CoreHarness(policy=make_core_policy(recycled_after=timedelta(days=100)))
    earlier = (await app.log_in()).identity.id
    app.advance(days=101)  # the phone is recycled
    later = (await app.log_in()).identity.id

    await app.administration.act_for_users.delete(BY_COMMAND, earlier, "ticket")

    assert app.database.identities[earlier].value.is_deleted
    assert not app.database.identities[later].value.is_deleted


async def test_a_text_that_two_users_match_finds_both(app: CoreHarness) -> None:
    by_name = (await app.add_user(a_phone(1), a_phone(2).e164)).identity.id
    by_phone = (await app.add_user(a_phone(2), "Priya")).identity.id
    find_any = app.administration.find_user.find_any

    found = await find_any([a_phone(2), parse_username(a_phone(2).e164)])

    assert {user.subject for user in found} == {by_name, by_phone}
    [unknown] = await find_any([a_phone(3), parse_username("Nobody")])
    assert unknown.identity is None


async def test_a_reset_of_limits_that_was_decided_before_another_one_is_not_done(
    app: CoreHarness,
) -> None:
    reset_limits = app.administration.act_for_users.reset_limits
    assert (await reset_limits(BY_COMMAND, a_phone(), "ticket", expected_left=2)).resets_left == 1
    with pytest.raises(LimitsResetBefore):
        await reset_limits(BY_COMMAND, a_phone(), "ticket", expected_left=2)
    assert (await reset_limits(BY_COMMAND, a_phone(), "ticket", expected_left=1)).resets_left == 0


async def test_an_account_without_a_name_gets_none(app: CoreHarness) -> None:
    act, nameless = app.administration.act_for_users, (await app.log_in()).identity.id
    with pytest.raises(ConflictingValue):
        await act.rename(BY_COMMAND, nameless, parse_username("Priya"), REASON)
    await act.detach(BY_COMMAND, nameless, REASON)
    with pytest.raises(UserNotFound):
        await act.rename(BY_COMMAND, nameless, parse_username("Priya"), REASON)
    assert len(app.database.audit_entries) == 1


# The number is taken from an account, because it has another owner now


async def start() -> tuple[CoreHarness, Act, str]:
    """Return a service, the detachment of a user who has requested a code, and the user's id."""
    app = CoreHarness()
    user_id = (await app.add_user()).identity.id
    app.advance(hours=12)
    await app.request_otp()
    detach = app.administration.act_for_users.detach
    return app, partial(detach, BY_COMMAND, user_id, REASON), user_id


async def test_the_number_opens_a_new_account_and_the_former_one_stays() -> None:
    app, detach, user_id = await start()
    token = await app.access_token()
    before = app.database.phone_verifications[a_phone()].value
    assert before.trusted_ips

    await detach()

    after = app.database.phone_verifications[a_phone()].value
    assert (after.identity_id, after.trusted_ips) == (None, ())
    assert after.deliveries.all == before.deliveries.all
    with pytest.raises(Unauthenticated):
        await app.identities.authenticate(token)
    detached = app.database.identities[user_id].value
    assert (detached.user, detached.devices, detached.is_closed) == (None, (), True)
    assert detached.events.unsent[-1].type is EventType.USER_DELETED
    assert app.events.of_type(IdentityDetached)[-1].reason == "by an operator"
    new = await app.add_user()  # the name is free, too
    assert new.identity.id != user_id


async def test_a_blocked_user_is_unblocked_first_and_staff_are_not_detached(
    app: CoreHarness,
) -> None:
    act, user_id = app.administration.act_for_users, (await app.add_user()).identity.id
    await app.identities.operator_actions.block(a_phone())
    with pytest.raises(PhoneBlocked):
        await act.detach(BY_COMMAND, user_id, REASON)
    await app.identities.operator_actions.unblock(a_phone())
    await app.identities.operator_actions.change_role(user_id, Role.SUPPORT)
    with pytest.raises(Forbidden, match="Demote it first"):
        await act.detach(BY_COMMAND, user_id, REASON)
    assert app.database.identities[user_id].value.detached_at is None
    assert app.database.audit_entries == []


async def test_a_user_who_gets_a_role_meanwhile_is_not_detached() -> None:
    app, detach, user_id = await start()

    async def promote() -> None:
        await app.identities.operator_actions.change_role(user_id, Role.SUPPORT)

    app.faults.run_before("identities.replace", promote)
    with pytest.raises(Forbidden):
        await detach()
    assert app.database.phone_verifications[a_phone()].value.identity_id == user_id


async def test_an_interrupted_detachment_is_completed_by_the_id() -> None:
    async for app, detach, user_id in at_each_operation(start):
        await detach()
        assert app.database.phone_verifications[a_phone()].value.identity_id is None
        assert (await app.log_in()).identity.id != user_id
        # Another repetition does nothing to the next owner.
        await detach()
        assert (await app.log_in()).identity.id != user_id
        assert len(app.events.of_type(IdentityDetached)) == 1


async def test_a_login_at_the_same_time_is_one_to_either_account() -> None:
    async def race() -> tuple[CoreHarness, Act, Attempt, str]:
        app, detach, user_id = await start()
        return app, detach, Attempt(partial(app.verify_otp, app.last_code)), user_id

    for is_swapped in (False, True):
        async for app, detach, login, user_id in before_each_operation(race, is_swapped=is_swapped):
            if app.database.identities[user_id].value.detached_at is None:
                await detach()
            detached = app.database.identities[user_id].value
            assert detached.sessions == ()
            if isinstance(login.result, LoggedIn) and login.result.identity.id != user_id:
                await app.identities.authenticate(login.result.tokens.access_token)
            assert (await app.log_in()).identity.id != user_id


# The blocks of somebody who misused the right to block


THIEF = a_token(Role.SUPPORT)


async def test_what_only_this_actor_has_blocked_is_unblocked(app: CoreHarness) -> None:
    act, unblock_all = app.administration.act_for_users, app.administration.unblock_by_actor
    users = [(await app.log_in(a_phone(number))).identity.id for number in range(6)]
    thief = THIEF.actor
    await act.block(THIEF, users[0], REASON)  # before
    app.advance(minutes=1)
    since = app.clock.now()
    await act.block(IN_CONSOLE, users[1], REASON)
    queries: list[UserQuery] = [*users[1:5], users[3], a_phone(99)]
    for user in queries:
        app.advance(minutes=1)
        await act.block(THIEF, user, REASON)
    app.advance(minutes=1)
    await act.block(IN_CONSOLE, users[2], REASON)
    await act.block(IN_CONSOLE, users[5], REASON)
    await act.unblock(IN_CONSOLE, users[4], REASON)
    entries = len(app.database.audit_entries)

    expected = {
        users[1]: BlockState.BY_OTHERS,
        users[2]: BlockState.BY_OTHERS,
        users[3]: BlockState.UNBLOCKED,
        app.keyed_hashes.hash_phone(a_phone(99)): BlockState.WITHOUT_ACCOUNT,
    }

    def blocked() -> list[int]:
        stored = app.database.identities
        return [number for number, user in enumerate(users) if stored[user].value.is_blocked]

    tried = await unblock_all(BY_COMMAND, thief, since, REASON, is_dry_run=True)
    assert {each.entry.subject: each.state for each in tried} == expected
    assert blocked() == [0, 1, 2, 3, 5]
    assert len(app.database.audit_entries) == entries

    done = await unblock_all(BY_COMMAND, thief, since, REASON)
    assert done == tried
    assert blocked() == [0, 1, 2, 5]
    [entry] = app.database.audit_entries[entries:]
    assert (entry.action, entry.subject) == (AuditAction.UNBLOCK, users[3])
    again = await unblock_all(BY_COMMAND, thief, since, REASON)
    assert BlockState.UNBLOCKED not in {each.state for each in again}


async def test_a_block_that_failed_and_one_of_a_deleted_account_are_no_blocks(
    app: CoreHarness,
) -> None:
    act, unblock_all = app.administration.act_for_users, app.administration.unblock_by_actor
    since = app.clock.now()
    deleted = await app.log_in(a_phone(1))
    await act.block(THIEF, deleted.identity.id, REASON)
    await act.delete(BY_COMMAND, deleted.identity.id, REASON)
    app.faults.fail_on("phone_verifications.save")
    with pytest.raises(StorageUnavailable):
        await act.block(THIEF, a_phone(2), REASON)
    app.faults.reset()
    assert await unblock_all(BY_COMMAND, THIEF.actor, since, REASON) == []


async def is_blocked(app: CoreHarness) -> bool:
    """Return whether a correct code signs nobody in."""
    app.advance(hours=12)
    await app.request_otp()
    try:
        await app.verify_otp(app.last_code)
    except AccountBlocked:
        return True
    return False


async def test_an_interrupted_block_is_completed_by_the_next() -> None:
    async def start() -> tuple[CoreHarness, Act, str]:
        app = CoreHarness()
        token = await app.access_token()
        return app, partial(app.identities.operator_actions.block, a_phone()), token

    async for app, block, token in at_each_operation(start):
        await block()
        with pytest.raises(Unauthenticated):
            await app.identities.authenticate(token)
        assert await is_blocked(app)


async def test_an_interrupted_unblock_lets_nobody_in_until_it_is_repeated() -> None:
    async def start() -> tuple[CoreHarness, Act]:
        app = CoreHarness()
        await app.access_token()
        await app.identities.operator_actions.block(a_phone())
        return app, partial(app.identities.operator_actions.unblock, a_phone())

    async for app, unblock in at_each_operation(start):
        assert await is_blocked(app)
        await unblock()
        await app.access_token()


@pytest.mark.parametrize("is_block_first", [True, False])
async def test_a_block_and_a_login_at_the_same_time_leave_no_session(is_block_first: bool) -> None:
    async def start() -> tuple[CoreHarness, Act, Act, Attempt]:
        app = CoreHarness()
        await app.log_in()
        app.advance(hours=12)
        await app.request_otp()
        block = partial(app.identities.operator_actions.block, a_phone())
        log_in = Attempt(partial(app.verify_otp, app.last_code))
        return (app, log_in, block, log_in) if is_block_first else (app, block, log_in, log_in)

    async for app, _, _, log_in in before_each_operation(start):
        if isinstance(log_in.result, LoggedIn):
            with pytest.raises(Unauthenticated):
                await app.identities.authenticate(log_in.result.tokens.access_token)
        else:
            assert isinstance(log_in.result, AccountBlocked)
            assert len(app.events.of_type(BlockedLogin)) == 1
        assert all(identity.value.sessions == () for identity in app.database.identities.values())
        assert app.database.phone_verifications[a_phone()].value.blocked_at
        await app.identities.operator_actions.unblock(a_phone())
        await app.access_token()

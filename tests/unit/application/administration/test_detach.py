"""Operators take the number from an account, because it has another owner now."""

from functools import partial

import pytest

from application.identities.events import IdentityDetached
from application.otp.log_in import LoggedIn
from domain.errors import Forbidden, PhoneBlocked, Unauthenticated
from domain.identities.role import Role
from domain.identities.user_events import EventType
from tests.support.acts import BY_COMMAND, REASON
from tests.support.at_each_operation import Act, Attempt, at_each_operation, before_each_operation
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness


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

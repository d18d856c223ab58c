"""Blocks and unblocks that are interrupted, or run at the same time as a login."""

from functools import partial

import pytest

from application.otp.events import BlockedLogin
from application.otp.log_in import LoggedIn
from domain.errors import AccountBlocked, Unauthenticated
from tests.support.at_each_operation import Act, Attempt, at_each_operation, before_each_operation
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness


async def is_blocked(app: CoreHarness) -> bool:
    """Return whether a correct code signs nobody in."""
    app.advance(hours=12)
    await app.request_otp()
    try:
        await app.verify_otp(app.last_code)
    except AccountBlocked:
        return True
    return False


async def start_block() -> tuple[CoreHarness, Act, str]:
    """Return the block of a known phone, and its access token."""
    app = CoreHarness()
    token = await app.access_token()
    return app, partial(app.identities.operator_actions.block, a_phone()), token


async def test_an_interrupted_block_is_completed_by_the_next() -> None:
    async for app, block, token in at_each_operation(start_block):
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


# At the same time as a login


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

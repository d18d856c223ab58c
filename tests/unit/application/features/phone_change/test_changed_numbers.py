"""Rights look at the account that a phone is held for, or is changed to or from."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

import pytest

from application.administration.operator import Operator, operating_system_user
from application.administration.send_code import SendCodeCommand
from application.features.export.feature import ExportFeature
from application.principal import Principal
from domain.administration.scope import Scope
from domain.errors import DomainError, Forbidden
from domain.identities.role import Role
from domain.otp.delivery import Channel
from domain.otp.message_preferences import MessagePreferences
from domain.phone import PhoneNumber
from tests.support.acts import IN_API, a_token, staff
from tests.support.app_harness import AppHarness, make_policy
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.support.builders import CLIENT_IP
from tests.unit.application.features.phone_change.phone_changes import (
    NEW,
    OLD,
    OTHER,
    add_user_with_new_number,
    change_phone,
    identity_of,
    make_command,
    record_of,
    request_code,
    request_undo_code,
    undo,
)

TOKEN: Final = a_token(*Scope)
OPERATOR: Final = operating_system_user("alice")
COMMAND: Final = SendCodeCommand(
    client_ip=CLIENT_IP, channel=Channel.SMS, preferences=MessagePreferences()
)


async def act(app: AppHarness, name: str, phone: PhoneNumber, operator: Operator = TOKEN) -> object:
    """Act on whoever has a phone."""
    acts = app.administration.act_for_users
    if name == "send_code":
        return await app.send_code(operator, phone, COMMAND, "why")
    if name == "export":
        async with app.use_cases.of(ExportFeature).export_user(operator, phone, "why") as export:
            return export
    call: Callable[..., Awaitable[object]] = getattr(acts, name)
    return await call(operator, phone, "why")


async def is_protected(app: AppHarness, phone: PhoneNumber) -> bool:
    """Return whether no service token may act on a phone."""
    try:
        await act(app, "reset_limits", phone)
    except Forbidden:
        return True
    except DomainError:
        return False
    return False


async def add_administrator(app: AppHarness) -> Principal:
    principal = await app.add_administrator(OLD)
    return replace(principal, identity=await app.create_user(principal))


async def change_of_administrator(app: AppHarness) -> Principal:
    principal = await add_administrator(app)
    await change_phone(app, principal)
    return principal


async def test_who_is_an_administrator_now_is_protected_until_the_hold_ends(
    app: AppHarness,
) -> None:
    user = await add_user_with_new_number(app)
    assert not await is_protected(app, OLD)
    await app.identities.operator_actions.change_role(user.identity.id, Role.ADMINISTRATOR)
    assert await is_protected(app, OLD)
    app.advance(days=7)
    assert not await is_protected(app, OLD)


async def test_no_token_acts_on_the_former_number_of_an_administrator(app: AppHarness) -> None:
    principal = await change_of_administrator(app)
    entries, messages = len(app.database.audit_entries), len(app.messenger.messages)

    for name in ("reset_limits", "send_code", "block", "sign_out", "delete", "export"):
        with pytest.raises(Forbidden):
            await act(app, name, OLD)

    assert len(app.database.audit_entries) == entries
    assert len(app.messenger.messages) == messages
    await undo(app)
    assert identity_of(app, principal).phone == OLD


async def test_a_token_reads_the_former_number_of_an_administrator_masked(app: AppHarness) -> None:
    principal = await change_of_administrator(app)
    entries = len(app.database.audit_entries)

    shown = await app.user_details.show_user(TOKEN, OLD)

    hold = shown.user.hold
    assert hold is not None
    assert (shown.number, hold.identity.id) == (OLD.masked, principal.identity.id)
    assert len(app.database.audit_entries) == entries


async def test_each_number_of_a_chain_of_changes_is_that_of_an_administrator(
    app: AppHarness,
) -> None:
    principal = await change_of_administrator(app)
    changed = await app.identities.authenticate(await app.access_token(NEW))
    await change_phone(app, changed, OTHER)
    assert [await is_protected(app, phone) for phone in (OLD, NEW, OTHER)] == [True, True, True]

    await undo(app, NEW)

    assert identity_of(app, principal).phone == NEW
    assert [await is_protected(app, phone) for phone in (OLD, NEW, OTHER)] == [True, True, False]


async def test_of_a_recycled_number_its_present_owner_decides() -> None:
    app = AppHarness(policy=make_policy(recycled_after=timedelta(days=100)))
    detached = await app.log_in(OLD)
    app.advance(days=101)
    present = await app.log_in(OLD)
    assert identity_of(app, detached).detached_at
    assert not await is_protected(app, OLD)
    await app.identities.operator_actions.change_role(present.identity.id, Role.ADMINISTRATOR)

    assert await is_protected(app, OLD)
    with pytest.raises(Forbidden):
        await act(app, "block", OLD)


async def test_while_a_change_is_under_way_both_numbers_are_protected() -> None:
    async def start() -> tuple[AppHarness, Act, Principal]:
        app = AppHarness()
        user = await add_administrator(app)
        command = make_command(await request_code(app, user))
        return app, partial(app.phone_change.change_phone, user, command), user

    steps = set()
    async for app, _, user in at_each_operation(start, Fault.KILLED):
        identity = identity_of(app, user)
        under_way = identity.phone_changes.under_way
        steps.add(under_way.step if under_way else None)
        assert await is_protected(app, OLD), under_way
        if record_of(app, NEW).identity_id == identity.id:
            assert await is_protected(app, NEW), under_way
    assert len(steps) == 4


async def test_a_token_does_not_end_the_undo_of_a_member_by_a_block(app: AppHarness) -> None:
    user = await add_user_with_new_number(app)
    with pytest.raises(Forbidden, match="held for an account"):
        await act(app, "block", OLD)
    await act(app, "block", NEW)  # the thief's

    await undo(app)

    assert identity_of(app, user).phone == OLD


async def test_a_token_blocks_a_number_whose_hold_is_void(app: AppHarness) -> None:
    user = await add_user_with_new_number(app)
    await app.administration.act_for_users.delete(OPERATOR, user.identity.id, "ticket")

    await act(app, "block", OLD)

    assert record_of(app, OLD).blocked_at


@pytest.mark.parametrize(
    "operator",
    [OPERATOR, IN_API, a_token(Role.ADMINISTRATOR)],
    ids=["command", "administrator", "token"],
)
async def test_administrators_block_a_held_number_and_nobody_else_lets_it_undo_the_change(
    app: AppHarness, operator: Operator
) -> None:
    user = await add_user_with_new_number(app)
    await act(app, "block", OLD, operator)
    for other in (TOKEN, staff(Role.SUPPORT)):
        with pytest.raises(Forbidden, match="held for an account"):
            await act(app, "unblock", OLD, other)
    messages = len(app.messenger.messages)
    app.advance(hours=1)
    await request_undo_code(app)
    assert len(app.messenger.messages) == messages

    await act(app, "unblock", OLD, operator)
    app.advance(hours=1)
    await undo(app)

    assert identity_of(app, user).phone == OLD

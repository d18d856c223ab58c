"""Who may do what: every act of the core, by every kind of operator."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

import pytest

from application.administration import acts
from application.administration.acts import CORE_ACTS, Act
from application.administration.find_user import UserQuery
from application.administration.operator import Operator, person
from application.record_act import ActRecorded
from domain.administration.role_scopes import STAFF_ROLES
from domain.administration.scope import Scope
from domain.errors import AuditFailed, Forbidden, InsufficientScope, TooShort
from domain.identities.external_id import parse_external_id
from domain.identities.role import Role
from domain.identities.username import parse_username
from tests.support.acts import (
    BY_COMMAND,
    IN_API,
    REASON,
    a_token,
    assert_refused,
    permitted_operators,
    refused_operators,
    staff,
)
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness

_Do: TypeAlias = Callable[[CoreHarness, Operator, UserQuery, str], Awaitable[object]]
USE_CASES: Final[Mapping[str, _Do]] = {
    acts.VIEW_PHONE.name: lambda app, operator, user, why: app.user_details.view_phone(
        operator, a_phone(), str(user), why
    ),
    acts.RESET_LIMITS.name: lambda app, *call: app.administration.act_for_users.reset_limits(*call),
    acts.SIGN_OUT.name: lambda app, *call: app.administration.act_for_users.sign_out(*call),
    acts.BLOCK.name: lambda app, *call: app.administration.act_for_users.block(*call),
    acts.UNBLOCK.name: lambda app, *call: app.administration.act_for_users.unblock(*call),
    acts.PROMOTE.name: lambda app, operator, user, why: (
        app.administration.act_for_users.change_role(operator, user, Role.SUPPORT, why)
    ),
    acts.DEMOTE.name: lambda app, operator, user, why: app.administration.act_for_users.change_role(
        operator, user, Role.MEMBER, why
    ),
    acts.SET_EXTERNAL_ID.name: lambda app, operator, user, why: (
        app.administration.act_for_users.set_external_id(
            operator, user, parse_external_id("7"), why
        )
    ),
    acts.RENAME.name: lambda app, operator, user, why: app.administration.act_for_users.rename(
        operator, user, parse_username("Priya"), why
    ),
    acts.DETACH.name: lambda app, *call: app.administration.act_for_users.detach(*call),
    acts.DELETE.name: lambda app, *call: app.administration.act_for_users.delete(*call),
}
ACTS: Final = [act for act in CORE_ACTS if act is not acts.VIEW_PHONE]
"""Without a full number, which is masked for others."""


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
async def test_nobody_else_does_it_and_nobody_without_a_reason(app: CoreHarness, act: Act) -> None:
    user = (await app.add_user()).identity.id

    await assert_refused(act, lambda operator, why: USE_CASES[act.name](app, operator, user, why))

    assert app.database.audit_entries == []


@pytest.mark.parametrize("act", CORE_ACTS, ids=lambda act: act.name)
async def test_who_may_does_it_and_is_in_the_audit(act: Act) -> None:
    for operator, reason in permitted_operators(act):
        app = CoreHarness()
        user = (await app.add_user()).identity.id
        await USE_CASES[act.name](app, operator, user, reason)
        entry = app.database.audit_entries[0]
        assert (entry.actor, entry.action) == (operator.actor, act.action)
        assert (entry.subject, entry.at, entry.reason) == (user, app.clock.now(), reason)


async def test_what_stays_the_same_is_not_in_the_audit(app: CoreHarness) -> None:
    user, act = (await app.add_user()).identity.id, app.administration.act_for_users
    for text in ("7", "7"):
        await act.set_external_id(BY_COMMAND, user, parse_external_id(text), REASON)
    for name in ("rahul sharma", "rahul sharma"):
        await act.rename(BY_COMMAND, user, parse_username(name), REASON)
    assert len(app.database.audit_entries) == 2


@pytest.mark.parametrize("act", CORE_ACTS, ids=lambda act: act.name)
async def test_nothing_is_done_where_the_entry_cannot_be_written(
    app: CoreHarness, act: Act
) -> None:
    user = (await app.add_user()).identity.id
    app.advance(hours=12)
    before = (app.database.identities, app.database.phone_verifications[a_phone()])
    sent = len(app.messenger.messages)
    app.faults.fail_on("audit_log.add")

    with pytest.raises(AuditFailed):
        await USE_CASES[act.name](app, BY_COMMAND, user, REASON)

    app.faults.reset()
    assert (app.database.identities, app.database.phone_verifications[a_phone()]) == before
    assert (len(app.messenger.messages), app.database.audit_entries) == (sent, [])
    assert ActRecorded not in app.events.types


@pytest.mark.parametrize("act", [act for act in ACTS if act.scope], ids=lambda act: act.name)
async def test_a_token_never_acts_on_an_administrator(app: CoreHarness, act: Act) -> None:
    victim = (await app.add_administrator()).identity.id
    with pytest.raises(Forbidden):
        await USE_CASES[act.name](app, a_token(*Scope), victim, REASON)
    assert app.database.audit_entries == []


async def test_a_full_number_is_masked_for_others_and_people_say_why(app: CoreHarness) -> None:
    for operator, reason, error in refused_operators(acts.VIEW_PHONE):
        if error is TooShort:
            with pytest.raises(TooShort):
                await app.user_details.view_phone(operator, a_phone(), "subject", reason)
        else:
            shown = await app.user_details.view_phone(operator, a_phone(), "subject", reason)
            assert shown == a_phone().masked
    assert app.database.audit_entries == []
    for operator, reason in permitted_operators(acts.VIEW_PHONE):
        assert (
            await app.user_details.view_phone(operator, a_phone(), "subject", reason)
            == a_phone().e164
        )


# Roles


@pytest.mark.parametrize(
    ("operator", "highest"),
    [
        (staff(Role.SUPPORT), 0),
        (a_token(*Scope), 0),
        (IN_API, 1),
        (a_token(Role.ADMINISTRATOR), 1),
        (BY_COMMAND, 2),
    ],
)
async def test_nobody_acts_on_staff_of_the_same_or_a_higher_role(
    app: CoreHarness, operator: Operator, highest: int
) -> None:
    user = await app.add_user()
    act = app.administration.act_for_users
    for role in Role:
        await app.identities.operator_actions.change_role(user.identity.id, role)
        if role.rank > highest:
            with pytest.raises(Forbidden):
                await act.sign_out(operator, user.identity.id, REASON)
        else:
            await act.sign_out(operator, user.identity.id, REASON)
        shown = await app.user_details.show_user(operator, user.identity.id, REASON)
        assert (shown.number == a_phone().e164) == (
            role.rank <= highest and operator.has_scope(Scope.READ_PHONES)
        )


async def test_an_account_that_gets_a_role_meanwhile_is_not_named_by_another_administrator(
    app: CoreHarness,
) -> None:
    administrator = await app.add_administrator(a_phone(2))
    other = (await app.log_in()).identity.id

    async def promote() -> None:
        await app.identities.operator_actions.change_role(other, Role.ADMINISTRATOR)

    app.faults.run_before("identities.replace", promote)
    with pytest.raises(Forbidden):
        await app.create_user(administrator, phone=a_phone())
    assert app.database.identities[other].value.user is None


@pytest.mark.parametrize("role", STAFF_ROLES)
async def test_a_token_gives_only_roles_whose_scopes_it_has(app: CoreHarness, role: Role) -> None:
    user_id = (await app.add_user()).identity.id
    change_role = app.administration.act_for_users.change_role
    with pytest.raises((InsufficientScope, Forbidden)):
        await change_role(a_token(Scope.CHANGE_ROLES), user_id, role, REASON)
    await change_role(a_token(Scope.CHANGE_ROLES, role), user_id, role, REASON)
    assert app.database.identities[user_id].value.staff.role is role


async def test_nobody_acts_on_themselves_or_gives_more_than_they_have(app: CoreHarness) -> None:
    act = app.administration.act_for_users
    principal = await app.add_administrator(a_phone(2))
    user = await app.add_user()
    operator = person(principal.identity, has_fresh_login=True)
    with pytest.raises(Forbidden, match="own account"):
        await act.sign_out(operator, principal.identity.id, REASON)
    token = a_token(Scope.CHANGE_ROLES, Role.MODERATOR)
    with pytest.raises(Forbidden):
        await act.change_role(token, user.identity.id, Role.ADMINISTRATOR, REASON)

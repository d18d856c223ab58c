"""Roles: what each may do, and on whom."""

import pytest

from application.administration.operator import Operator, person
from domain.administration.role_scopes import STAFF_ROLES
from domain.administration.scope import Scope
from domain.errors import Forbidden, InsufficientScope
from domain.identities.role import Role
from tests.support.acts import BY_COMMAND, IN_API, REASON, a_token, staff
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness


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

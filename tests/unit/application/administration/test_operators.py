"""Who of the staff is an operator, and how much a service token reads."""

import pytest

from application.administration.operator import staff_member
from domain.errors import Forbidden, ReauthenticationRequired
from domain.identities.role import Role
from domain.identities.session import FRESH_LOGIN_PERIOD
from tests.support.core_harness import CoreHarness


async def test_the_login_of_an_administrator_is_fresh_for_15_minutes_and_valid_for_a_day(
    app: CoreHarness,
) -> None:
    token = await app.access_token()
    user_id = next(iter(app.database.identities))
    await app.identities.operator_actions.change_role(user_id, Role.ADMINISTRATOR)
    token = await app.access_token()
    fresh = staff_member(await app.identities.authenticate(token))
    app.clock.advance(FRESH_LOGIN_PERIOD)
    later = staff_member(await app.identities.authenticate(token))
    assert (fresh.has_fresh_login, later.has_fresh_login) == (True, False)
    assert (fresh.role, later.role) == (Role.ADMINISTRATOR, Role.ADMINISTRATOR)
    app.advance(days=1)
    with pytest.raises(ReauthenticationRequired):
        staff_member(await app.identities.authenticate(token))


async def test_a_member_is_no_staff_member(app: CoreHarness) -> None:
    with pytest.raises(Forbidden):
        staff_member(await app.log_in())

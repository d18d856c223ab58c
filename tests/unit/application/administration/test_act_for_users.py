"""What operators do for users has the same effect as before, for whoever asks."""

from datetime import timedelta
from typing import Final

import pytest

from application.administration.operator import operating_system_user
from domain.errors import ConflictingValue, UserNotFound
from domain.identities.identity import Identity
from domain.identities.username import parse_username
from tests.support.acts import BY_COMMAND, REASON
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness, make_core_policy

OPERATOR: Final = operating_system_user("alice")


async def test_an_account_that_lost_its_phone_can_be_deleted_by_its_id() -> None:
    app = CoreHarness(policy=make_core_policy(recycled_after=timedelta(days=100)))
    earlier = (await app.log_in()).identity.id
    app.advance(days=101)  # the phone is recycled
    later = (await app.log_in()).identity.id

    await app.administration.act_for_users.delete(OPERATOR, earlier, "ticket")

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
    assert (await reset_limits(OPERATOR, a_phone(), "ticket", expected_left=2)).resets_left == 1
    with pytest.raises(ConflictingValue):
        await reset_limits(OPERATOR, a_phone(), "ticket", expected_left=2)
    assert (await reset_limits(OPERATOR, a_phone(), "ticket", expected_left=1)).resets_left == 0


async def rename(app: CoreHarness, user_id: str, name: str) -> Identity:
    act = app.administration.act_for_users
    user = await act.rename(BY_COMMAND, user_id, parse_username(name), REASON)
    return user.require_identity()


async def test_an_account_without_a_name_gets_none(app: CoreHarness) -> None:
    nameless = (await app.log_in()).identity.id
    with pytest.raises(ConflictingValue):
        await rename(app, nameless, "Priya")
    await app.administration.act_for_users.detach(BY_COMMAND, nameless, REASON)
    with pytest.raises(UserNotFound):
        await rename(app, nameless, "Priya")
    assert len(app.database.audit_entries) == 1

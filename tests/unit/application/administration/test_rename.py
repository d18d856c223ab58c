"""Operators give users another name."""

import pytest

from domain.errors import ConflictingValue, UserNotFound
from domain.identities.identity import Identity
from domain.identities.user_events import EventType
from domain.identities.username import parse_username
from tests.support.acts import BY_COMMAND, REASON
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness


async def rename(app: CoreHarness, user_id: str, name: str) -> Identity:
    act = app.administration.act_for_users
    user = await act.rename(BY_COMMAND, user_id, parse_username(name), REASON)
    return user.require_identity()


async def test_the_user_has_the_name_and_the_app_hears_of_it(app: CoreHarness) -> None:
    user = await app.add_user(username="An Offence")

    renamed = await rename(app, user.identity.id, "User 4711")

    assert renamed.username == parse_username("User 4711")
    assert renamed.events.unsent[-1].type is EventType.USER_UPDATED
    await app.add_user(a_phone(2), "An Offence")  # the former name is free at once


async def test_an_account_without_a_name_gets_none(app: CoreHarness) -> None:
    nameless = (await app.log_in()).identity.id
    with pytest.raises(ConflictingValue):
        await rename(app, nameless, "Priya")
    await app.administration.act_for_users.detach(BY_COMMAND, nameless, REASON)
    with pytest.raises(UserNotFound):
        await rename(app, nameless, "Priya")
    assert len(app.database.audit_entries) == 1

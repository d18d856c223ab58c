"""Users are counted rarely, however many callers there are."""

import asyncio

import pytest

from application.identities import count_users
from application.identities.count_users import MAX_AGE, UserCount
from application.ports.errors import StorageUnavailable
from tests.support.builders import a_phone, a_user, an_identity
from tests.support.core_harness import CoreHarness

COUNT = "identities.count_users"


async def test_more_than_can_be_counted_are_estimated(
    app: CoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_users, "MAX_COUNTED", 1)
    await app.add_user(a_phone(1), "Asha")
    assert await app.identities.count_users() == UserCount(1)

    await app.add_user(a_phone(2), "Zoë")

    # This database has no estimate.
    assert await app.identities.count_users() == UserCount(1, is_estimate=True)


async def test_a_count_is_held_for_five_minutes_and_an_error_is_not(app: CoreHarness) -> None:
    recent = app.identities.count_users.recent
    app.faults.fail_on(COUNT)
    with pytest.raises(StorageUnavailable):
        await recent()
    assert await recent() == UserCount(0)

    user = an_identity(user=a_user())
    await app.database.repositories().identities.add(user)
    app.advance(MAX_AGE.total_seconds() - 1)
    assert await recent() == UserCount(0)

    app.advance(1)
    assert [*await asyncio.gather(recent(), recent())] == [UserCount(1)] * 2

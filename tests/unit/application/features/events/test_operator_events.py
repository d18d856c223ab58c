"""What operators see of events that were not accepted, and how they send them again."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from application.features.events import operator_events as module
from application.features.events.operator_events import OperatorEvents, RetriedEvents
from domain.errors import UserNotFound
from domain.identities.identity import Identity
from domain.identities.user_events import RETRY_PERIOD, EventType, UserEvents
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_phone, a_user, an_id, an_identity

BACKEND = "backend"
CREATED_AND_BLOCKED: Final = (
    UserEvents().record(EventType.USER_CREATED, NOW).record(EventType.USER_BLOCKED, NOW)
)


def operator_events_of(app: AppHarness) -> OperatorEvents:
    return OperatorEvents(
        identities=app.database.repositories().identities,
        destinations=(BACKEND,),
        clock=app.clock,
    )


def fail(events: UserEvents, now: datetime = NOW) -> UserEvents:
    """Return the events after a failed attempt."""
    progress = events.progress_of(BACKEND).mark_failed(now)
    return events.settle([progress], [BACKEND])


def fail_for_days(events: UserEvents) -> UserEvents:
    """Return the events after a destination has failed until they are kept."""
    return fail(fail(events), NOW + RETRY_PERIOD)


async def add(app: AppHarness, events: UserEvents, number: int = 1) -> str:
    identity: Identity = an_identity(
        id=an_id(number), phone=a_phone(number), user=a_user(f"a{number}")
    )
    await app.database.repositories().identities.add(replace(identity, events=events))
    return identity.id


async def test_all_events_that_wait_or_are_kept_are_retried_and_counted(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE", 2)
    for number in range(1, 6):
        await add(app, fail_for_days(CREATED_AND_BLOCKED), number)
    await add(app, fail(CREATED_AND_BLOCKED), 6)

    for _ in range(2):  # they are due now
        assert await operator_events_of(app).retry_all() == RetriedEvents(12, 6)
    assert len(await operator_events_of(app).list_waiting(99)) == 12


async def test_events_of_one_user_are_retried_also_of_a_deleted_one(app: AppHarness) -> None:
    operator_events = operator_events_of(app)
    assert await operator_events.retry(await add(app, UserEvents())) == RetriedEvents(0, 0)
    deleted = replace(
        an_identity(id=an_id(2), user=a_user()), events=fail_for_days(CREATED_AND_BLOCKED)
    )
    await app.database.repositories().identities.add(deleted.delete(NOW + timedelta(days=9)))
    assert await operator_events.retry(deleted.id) == RetriedEvents(3, 1)
    assert (await operator_events.list_of(deleted.id))[-1].type is EventType.USER_DELETED
    with pytest.raises(UserNotFound):
        await operator_events.retry(an_id(77))
    with pytest.raises(UserNotFound):
        await operator_events.list_of(an_id(77))

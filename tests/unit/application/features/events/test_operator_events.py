"""What operators see of events that were not accepted, and how they send them again."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

import pytest

from application.features.events import operator_events as module
from application.features.events.feature import EventDetails
from application.features.events.operator_events import OperatorEvents, RetriedEvents
from application.ports.identities import Identities
from application.update import change
from domain.errors import UserNotFound
from domain.identities.identity import Identity
from domain.identities.user_events import RETRY_PERIOD, EventType, UserEvents
from tests.support.acts import show
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_phone, a_user, an_id, an_identity

BACKEND, OTHER = "backend", "other"
CREATED_AND_BLOCKED: Final = (
    UserEvents().record(EventType.USER_CREATED, NOW).record(EventType.USER_BLOCKED, NOW)
)


def operator_events_of(app: AppHarness, *destinations: str) -> OperatorEvents:
    return OperatorEvents(
        identities=app.database.repositories().identities,
        destinations=destinations or (BACKEND,),
        clock=app.clock,
    )


def fail(events: UserEvents, now: datetime = NOW) -> UserEvents:
    """Return the events after a failed attempt."""
    return events.settle([events.progress_of(BACKEND).mark_failed(now)], [BACKEND])


def fail_for_days(events: UserEvents) -> UserEvents:
    """Return the events after a destination has failed until they are kept."""
    return fail(fail(events), NOW + RETRY_PERIOD)


async def add(app: AppHarness, events: UserEvents, number: int = 1) -> str:
    identity: Identity = an_identity(
        id=an_id(number), phone=a_phone(number), user=a_user(f"a{number}")
    )
    await app.database.repositories().identities.add(replace(identity, events=events))
    return identity.id


async def test_events_that_wait_are_listed_with_their_next_attempt(app: AppHarness) -> None:
    user_id = await add(app, fail(CREATED_AND_BLOCKED))

    first, second = await operator_events_of(app).list_waiting(9)

    number = CREATED_AND_BLOCKED.unsent[0].number
    assert (first.id, first.type) == (f"evt_{user_id}_{number}", EventType.USER_CREATED)
    assert (second.id, second.type) == (f"evt_{user_id}_{number + 1}", EventType.USER_BLOCKED)
    assert (first.user_id, first.destination, first.occurred_at) == (user_id, BACKEND, NOW)
    assert (first.failures, first.next_attempt_at) == (1, NOW + timedelta(seconds=5))
    assert await operator_events_of(app).list_of(user_id) == [first, second]
    assert await operator_events_of(app).list_failed(9) == []


async def test_a_retry_of_a_user_is_for_events_that_wait_and_that_are_kept(
    app: AppHarness,
) -> None:
    operator_events, later = operator_events_of(app), NOW + timedelta(days=30)
    app.clock.advance(later - app.clock.now())
    failed = (fail(CREATED_AND_BLOCKED), fail_for_days(CREATED_AND_BLOCKED))
    for number, events in enumerate(failed, 1):
        user_id = await add(app, events, number)
        assert await operator_events.retry(user_id) == RetriedEvents(2, 1)
        listed = await operator_events.list_of(user_id)
        assert [(event.failures, event.next_attempt_at) for event in listed] == [(0, later)] * 2
    assert await operator_events.list_failed(9) == []


async def test_all_events_that_wait_or_are_kept_are_retried_and_counted(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE", 2)
    for number in range(1, 6):
        await add(app, fail_for_days(CREATED_AND_BLOCKED), number)
    await add(app, fail(CREATED_AND_BLOCKED), 6)
    assert len(await operator_events_of(app).list_failed(3)) == 3

    for _ in range(2):  # they are due now
        assert await operator_events_of(app).retry_all() == RetriedEvents(12, 6)
    assert len(await operator_events_of(app).list_waiting(99)) == 12
    assert len(await operator_events_of(app).list_waiting(3)) == 3


async def test_a_retry_finds_all_while_a_service_sends(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE", 2)
    ids = [await add(app, fail(CREATED_AND_BLOCKED), number) for number in range(1, 7)]
    operator_events = operator_events_of(app)
    identities, sent = operator_events.identities, list[str]()

    class SendsMeanwhile:
        """Before each later page one user is sent everything, and leaves the list."""

        def __getattr__(self, name: str) -> Any:
            return getattr(identities, name)

        async def list_with_due_events(self, until: datetime, limit: int, offset: int = 0) -> Any:
            if len(sent) < 2 and offset:
                sent.append(ids[len(sent)])
                await change(identities, sent[-1], send_all, missing=UserNotFound)
            return await identities.list_with_due_events(until, limit, offset)

    def send_all(identity: Identity) -> tuple[Identity, None]:
        return replace(identity, events=UserEvents()), None

    operator_events = replace(operator_events, identities=cast("Identities", SendsMeanwhile()))
    await operator_events.retry_all()

    for user_id in set(ids) - set(sent):
        assert {event.failures for event in await operator_events.list_of(user_id)} == {0}


async def test_after_a_change_of_the_settings_a_retry_sends_to_the_new_destination(
    app: AppHarness,
) -> None:
    user_id = await add(app, fail_for_days(CREATED_AND_BLOCKED))
    operator_events = operator_events_of(app, OTHER)

    kept = await operator_events.list_failed(9)
    assert {(event.destination, event.next_attempt_at) for event in kept} == {
        (OTHER, None),
        (BACKEND, None),
    }
    assert await operator_events.retry_all() == RetriedEvents(2, 1)

    events = app.database.identities[user_id].value.events
    assert events.next_send_at == app.clock.now()
    assert events.due(OTHER, app.clock.now()) == CREATED_AND_BLOCKED.unsent
    # The first attempt drops what is left of the former one.
    sent = events.settle([events.progress_of(OTHER).mark_sent(events.last_number)], [OTHER])
    assert (sent.unsent, sent.failed_at) == ((), None)


async def test_nothing_is_retried_without_a_user_or_an_event(app: AppHarness) -> None:
    operator_events = operator_events_of(app)
    assert await operator_events.retry(await add(app, UserEvents())) == RetriedEvents(0, 0)
    with pytest.raises(UserNotFound):
        await operator_events.retry(an_id(77))
    with pytest.raises(UserNotFound):
        await operator_events.list_of(an_id(77))


async def test_events_that_wait_and_events_that_are_kept_are_counted(app: AppHarness) -> None:
    for number, (events, counts) in enumerate(
        [
            (fail(CREATED_AND_BLOCKED), EventDetails(waiting=2, failed=0)),
            (fail_for_days(CREATED_AND_BLOCKED), EventDetails(waiting=0, failed=2)),
        ],
        start=1,
    ):
        shown = await show(app, await add(app, events, number))
        assert shown.parts.find(EventDetails) == counts

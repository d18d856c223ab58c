from datetime import timedelta

import pytest

from domain.identities.user_events import MAX_UNSENT_EVENTS, RETRY_PERIOD, EventType, UserEvents
from tests.support.builders import NOW

BACKEND, OTHER = "backend", "other"
BOTH = (BACKEND, OTHER)


def recorded(*types: EventType) -> UserEvents:
    """Return events, one second after the other."""
    events = UserEvents()
    for seconds, event_type in enumerate(types):
        events = events.record(event_type, NOW + timedelta(seconds=seconds))
    return events


def types_of(events: UserEvents, destination: str = BACKEND) -> list[EventType]:
    return [event.type for event in events.pending(destination)]


def test_events_have_numbers_in_their_order_that_are_never_used_again() -> None:
    events = recorded(EventType.USER_CREATED, EventType.USER_BLOCKED)
    first, second = (event.number for event in events.unsent)
    assert second > first == NOW.timestamp() * 1000
    sent = events.settle([events.progress_of(BACKEND).mark_sent(second)], [BACKEND])
    assert (sent.unsent, sent.progress, sent.next_send_at) == ((), (), None)
    assert sent.record(EventType.USER_DELETED, NOW).unsent[0].number == second + 1


def test_an_update_takes_the_place_of_the_one_before_with_a_new_number() -> None:
    events = recorded(EventType.USER_CREATED, EventType.USER_UPDATED, EventType.USER_UPDATED)
    assert types_of(events) == [EventType.USER_CREATED, EventType.USER_UPDATED]
    assert events.unsent[-1].number == events.last_number
    events = events.record(EventType.USER_BLOCKED, NOW).record(EventType.USER_UPDATED, NOW)
    assert types_of(events)[-3:] == [
        EventType.USER_UPDATED,
        EventType.USER_BLOCKED,
        EventType.USER_UPDATED,
    ]


def test_an_event_recorded_while_another_is_sent_is_sent_next_to_all_destinations() -> None:
    events = recorded(EventType.USER_CREATED)
    progress = events.progress_of(BACKEND).mark_sent(events.unsent[0].number)
    now = NOW + timedelta(seconds=9)
    settled = events.record(EventType.USER_BLOCKED, now).settle([progress], [BACKEND])
    assert [event.type for event in settled.due(BACKEND, now)] == [EventType.USER_BLOCKED]
    assert settled.next_send_at == now
    events = recorded(EventType.USER_UPDATED)
    sent = events.settle([events.progress_of(BACKEND).mark_sent(events.unsent[0].number)], BOTH)
    updated = sent.record(EventType.USER_UPDATED, NOW)
    assert types_of(updated, BACKEND) == types_of(updated, OTHER) == [EventType.USER_UPDATED]


def test_above_the_maximum_the_oldest_is_dropped_but_not_the_creation() -> None:
    changes = [EventType.USER_BLOCKED, EventType.USER_UNBLOCKED] * MAX_UNSENT_EVENTS
    events = recorded(EventType.USER_CREATED, *changes, EventType.USER_DELETED)
    assert len(events.unsent) == MAX_UNSENT_EVENTS
    assert events.unsent[0].type is EventType.USER_CREATED
    assert events.unsent[-1].type is EventType.USER_DELETED
    assert len(recorded(*changes).unsent) == MAX_UNSENT_EVENTS


def test_an_event_is_dropped_when_all_destinations_have_it() -> None:
    events = recorded(EventType.USER_CREATED, EventType.USER_BLOCKED)
    events = events.settle([events.progress_of(BACKEND).mark_sent(events.last_number)], BOTH)
    assert types_of(events, BACKEND) == []
    assert types_of(events, OTHER) == [EventType.USER_CREATED, EventType.USER_BLOCKED]
    # A destination that is gone keeps none.
    assert events.settle([], [BACKEND]).unsent == ()
    events = events.settle([events.progress_of(OTHER).mark_sent(events.unsent[0].number)], BOTH)
    assert [event.type for event in events.unsent] == [EventType.USER_BLOCKED]


@pytest.mark.parametrize(
    ("accepts_others", "expected"),
    [
        (False, [5, *[20] * 19]),
        (True, [5, *[20] * 9, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]),
    ],
    ids=["all fail", "only this one fails"],
)  # fmt: skip
def test_attempts_come_later_up_to_an_hour_if_others_succeed_and_delay_no_other_destination(
    accepts_others: bool, expected: list[float]
) -> None:
    events, now, delays = recorded(EventType.USER_CREATED), NOW, list[float]()
    for _ in range(20):
        others_accepted_at = now if accepts_others else NOW
        failed = [events.progress_of(BACKEND).mark_failed(now, None, others_accepted_at)]
        beside_other = events.settle(failed, BOTH)
        assert beside_other.due(OTHER, NOW) == events.unsent
        assert beside_other.next_send_at == NOW
        events = events.settle(failed, [BACKEND])
        assert events.next_send_at is not None
        assert events.due(BACKEND, events.next_send_at - timedelta(milliseconds=1)) == ()
        assert events.due(BACKEND, events.next_send_at) == events.unsent
        delays.append((events.next_send_at - now).total_seconds())
        now = events.next_send_at
    assert delays == expected


def test_after_three_days_events_are_kept_until_a_newer_one_or_a_retry() -> None:
    events, now = recorded(EventType.USER_CREATED), NOW
    while events.next_send_at is not None:
        now = max(events.next_send_at, now)
        # Another destination accepts events, so the attempts come later and later.
        failed = events.progress_of(BACKEND).mark_failed(now, None, now)
        events = events.settle([failed], [BACKEND])
    assert RETRY_PERIOD <= now - NOW < RETRY_PERIOD + timedelta(hours=1)
    assert (events.failed_at, events.due(BACKEND, now + RETRY_PERIOD)) == (now, ())
    later = now + timedelta(days=30)
    assert events.retry(later).due(BACKEND, later) == events.unsent
    newer = events.record(EventType.USER_BLOCKED, later)
    assert newer.next_send_at == later
    assert types_of(newer) == [EventType.USER_CREATED, EventType.USER_BLOCKED]


def test_a_newer_event_has_three_days_too_after_a_destination_gave_up() -> None:
    events = recorded(EventType.USER_CREATED)
    progress = events.progress_of(BACKEND).mark_failed(NOW).mark_failed(NOW + RETRY_PERIOD)
    events = events.settle([progress], [BACKEND])
    assert events.failed_at is not None
    # The clock may have been set back since.
    earlier = NOW - timedelta(days=9)
    newer = events.record(EventType.USER_BLOCKED, earlier)
    assert (newer.failed_at, newer.next_send_at) == (None, earlier)
    failed = newer.progress_of(BACKEND).mark_failed(earlier, earlier)
    assert (failed.gave_up_at, failed.next_attempt_at) == (None, earlier + timedelta(seconds=5))


def test_without_a_destination_no_event_is_recorded() -> None:
    silent = UserEvents(is_recording=False)
    assert silent.record(EventType.USER_CREATED, NOW) is silent


def test_postponed_events_wait_until_the_later_time() -> None:
    events, later = recorded(EventType.USER_CREATED), NOW + timedelta(minutes=5)
    postponed = events.progress_of(BACKEND).postpone(later)
    waiting = events.settle([postponed, postponed.postpone(NOW)], [BACKEND])
    assert (waiting.next_attempt_at(BACKEND), waiting.next_send_at) == (later, later)

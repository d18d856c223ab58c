"""Events of a user: what the backend of the app is told, and how far each destination is."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MAX_UNSENT_EVENTS: Final = 20
"""Maximum events of a user that wait. Above it, the oldest is dropped."""
RETRY_PERIOD: Final = timedelta(days=3)
"""For how long events are sent again to a destination that does not accept them."""
_FIRST_DELAY: Final = timedelta(seconds=5)
_NEXT_DELAY: Final = timedelta(seconds=20)
"""Short, because what waits is sent within a minute when a destination is back."""
_SHORT_DELAYS: Final = 10
"""Failures in a row that are no accident if half of the attempts for others succeed."""
_MAX_DELAY: Final = timedelta(hours=1)
_MAX_DOUBLINGS: Final = 8
_MAX_REASON_LENGTH: Final = 200


class EventType(StrEnum):
    """What happened. The values are stored, and receivers depend on them."""

    USER_CREATED = "user.created"
    USER_UPDATED = "user.updated"
    USER_DELETED = "user.deleted"
    USER_BLOCKED = "user.blocked"
    USER_UNBLOCKED = "user.unblocked"
    PHONE_CHANGED = "phone.changed"
    TEST = "dialtone.test"
    """A test of a destination by an operator. It is of no user, and never recorded."""


@dataclass(frozen=True, slots=True)
class UserEvent:
    """An event. The numbers of a user's events rise."""

    number: int
    type: EventType
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventProgress:
    """How far a destination is with the events of a user.

    Attributes:
        destination: Its stored name.
        gave_up_at: When the last attempt failed, after `RETRY_PERIOD`. With a newer event, or by an
            operator, the period begins again.
        failure_reason: Why the last attempt failed, for operators; empty if none did.
    """

    destination: str
    sent_number: int = 0
    failures: int = 0
    first_failed_at: datetime | None = None
    next_attempt_at: datetime | None = None
    gave_up_at: datetime | None = None
    failure_reason: str = ""

    def mark_sent(self, number: int) -> "EventProgress":
        return EventProgress(
            destination=self.destination, sent_number=max(number, self.sent_number)
        )

    @property
    def is_postponed(self) -> bool:
        """Whether it waits because of others that failed, and has not failed itself."""
        return self.failures == 0 and self.next_attempt_at is not None

    def mark_failed(
        self,
        now: datetime,
        newest_at: datetime | None = None,
        others_accepted_at: datetime | None = None,
        reason: str = "",
    ) -> "EventProgress":
        """Return the progress after a failed attempt.

        The next one is soon: a destination that fails is paused for all users together. Only if the
        destination accepts the events of others, this one is later each time.

            others_accepted_at: When the destination accepted an event last; None if unknown.
        """
        first_failed_at = self.first_failed_at or now
        failed = replace(
            self,
            failures=self.failures + 1,
            first_failed_at=first_failed_at,
            failure_reason=reason[:_MAX_REASON_LENGTH],
        )
        if now - max(first_failed_at, newest_at or first_failed_at) >= RETRY_PERIOD:
            return replace(failed, next_attempt_at=None, gave_up_at=now)
        delay = _NEXT_DELAY if self.failures else _FIRST_DELAY
        if others_accepted_at is not None and others_accepted_at > first_failed_at:
            doublings = min(max(0, failed.failures - _SHORT_DELAYS), _MAX_DOUBLINGS)
            delay = min(delay * 2**doublings, _MAX_DELAY)
        return replace(failed, next_attempt_at=now + delay, gave_up_at=None)

    def postpone(self, until: datetime) -> "EventProgress":
        return replace(self, next_attempt_at=max(until, self.next_attempt_at or until))

    def retry(self, now: datetime) -> "EventProgress":
        """Return the progress with an attempt now, as if none had failed before."""
        return EventProgress(
            destination=self.destination, sent_number=self.sent_number, next_attempt_at=now
        )


@dataclass(frozen=True, slots=True)
class UserEvents:
    """The unsent events of a user, in their order, and the progress of each destination.

    `next_send_at` is when some destination may get one; None while there is nothing to send.
    `is_recording` is False in a process without destinations: nobody would get another event.
    """

    last_number: int = 0
    unsent: tuple[UserEvent, ...] = ()
    progress: tuple[EventProgress, ...] = ()
    next_send_at: datetime | None = None
    is_recording: bool = True

    @property
    def failed_at(self) -> datetime | None:
        """When the first destination that has given up did so; None if none has."""
        times = [
            progress.gave_up_at
            for progress in self.progress
            if progress.gave_up_at is not None and self.pending(progress.destination)
        ]
        return min(times, default=None)

    def record(self, event_type: EventType, now: datetime) -> "UserEvents":
        """Return the events with another one, which is sent as soon as possible.

        - Its number is higher than all before, also if a backup from before was restored.
        - An update right after an unsent update takes its place.
        - Destinations that have given up get it, and what was kept for them, for the whole period.
        - Above `MAX_UNSENT_EVENTS` the oldest is dropped, but not that the user was created.
        """
        if not self.is_recording:
            return self
        number = max(self.last_number + 1, int(now.timestamp() * 1000))
        kept = self.unsent
        if event_type is EventType.USER_UPDATED and kept and kept[-1].type is event_type:
            kept = kept[:-1]
        if len(kept) >= MAX_UNSENT_EVENTS:
            is_created = kept[0].type is EventType.USER_CREATED
            kept = (kept[0], *kept[2:]) if is_created else kept[1:]
        return UserEvents(
            number,
            (*kept, UserEvent(number, event_type, now)),
            tuple(each.retry(now) if each.gave_up_at else each for each in self.progress),
            min(self.next_send_at or now, now),
        )

    def progress_of(self, destination: str) -> EventProgress:
        """Return the progress of a destination, a new one before its first event."""
        for progress in self.progress:
            if progress.destination == destination:
                return progress
        return EventProgress(destination=destination)

    def pending(self, destination: str) -> tuple[UserEvent, ...]:
        sent_number = self.progress_of(destination).sent_number
        return tuple(event for event in self.unsent if event.number > sent_number)

    def next_attempt_at(self, destination: str) -> datetime | None:
        """Return when a destination may get its next event; None if there is none."""
        pending, progress = self.pending(destination), self.progress_of(destination)
        if not pending:
            return None
        if progress.gave_up_at is not None:
            return None
        return max(progress.next_attempt_at or pending[0].occurred_at, pending[0].occurred_at)

    def due(
        self, destination: str, now: datetime, *, has_recovered: bool = False
    ) -> tuple[UserEvent, ...]:
        """Return the events that a destination may get now."""
        attempt_at = self.next_attempt_at(destination)
        is_due = attempt_at is not None and attempt_at <= now
        is_due |= has_recovered and self.progress_of(destination).is_postponed
        return self.pending(destination) if is_due else ()

    def settle(
        self, changed: Collection[EventProgress], destinations: Collection[str]
    ) -> "UserEvents":
        """Return the events after attempts, which changed the progress of some destinations.

        What all destinations have accepted is dropped, and the progress of former destinations.
        """
        by_name = {name: self.progress_of(name) for name in destinations}
        for progress in changed:
            if progress.destination in by_name:
                known = by_name[progress.destination]
                sent_number = max(progress.sent_number, known.sent_number)
                by_name[progress.destination] = replace(progress, sent_number=sent_number)
        sent = min([progress.sent_number for progress in by_name.values()], default=0)
        unsent = tuple(event for event in self.unsent if event.number > sent)
        if not unsent or not destinations:
            return UserEvents(self.last_number)
        settled = UserEvents(self.last_number, unsent, tuple(by_name.values()))
        times = [settled.next_attempt_at(name) for name in destinations]
        known_times = [time for time in times if time is not None]
        return replace(settled, next_send_at=min(known_times, default=None))

    def retry(self, now: datetime) -> "UserEvents":
        """Return the events with an attempt now for each destination that did not accept some."""
        if not self.unsent:
            return self
        progress = tuple(
            each.retry(now) if self.pending(each.destination) else each for each in self.progress
        )
        return UserEvents(self.last_number, self.unsent, progress, now)

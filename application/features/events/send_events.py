"""Send the events of users."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from application.pacing import Pace, call_in_groups
from application.ports.errors import PortError
from application.ports.identities import Identities
from application.ports.repositories import Leases
from application.ports.system import Clock
from application.ports.versioned import Versioned
from application.tasks import call_adapter, is_ended
from application.update import change
from domain.identities.identity import Identity
from domain.identities.user_events import EventType, UserEvent, UserEvents

MAX_EVENT_ID_LENGTH: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as a destination gets it.

    Attributes:
        id: The same each time it is sent, and that of no other event: a receiver that knows it
            drops the repeat. It has at most `MAX_EVENT_ID_LENGTH` letters, digits and `_`.
        type: What happened.
        occurred_at: When, to the millisecond.
        user_id: The id of the user.
        phone: The number of the user as it is now, E.164; None unless the operator wants it sent,
            or where the user has none anymore.
    """

    id: str
    type: EventType
    occurred_at: datetime
    user_id: str
    phone: str | None = None


class EventRejected(PortError):
    """The destination did not accept the event. It is sent again later."""


class EventDestination(Protocol):
    """Takes events.

    An event may come more than once, with the same id: after a lost response, or if the service was
    killed. The events of one user come in their order, those of several at the same time.
    """

    async def send(self, event: Event) -> None:
        """Send an event, and return when the destination has accepted it, within five seconds.

        Raises:
            EventRejected: not accepted, or unknown. The text says why, for the log.
        """
        ...


BATCH_SIZE: Final = 200
PARALLEL_USERS: Final = 10
"""Users at a time per destination. Twice as many halve the events a second of a fast receiver."""
LEASE_NAME: Final = "events"
LEASE_PERIOD: Final = timedelta(seconds=15)
"""Maximum delay after a kill until another instance sends."""
SEND_SECONDS: Final = 8.0
"""Seconds in which attempts begin: those under way end before the lease does."""
_POLL_SECONDS: Final = 0.5
SEND_TIMEOUT: Final = 6.0
"""Seconds that a destination has for an event; its own limit is five."""
_FAILURES_BEFORE_PAUSE: Final = 5
_FIRST_PAUSE: Final = timedelta(seconds=10)
_MAX_PAUSE: Final = timedelta(seconds=20)
"""A failing request in this time is no load for a destination."""
_POSTPONEMENT: Final = timedelta(minutes=5)
"""Maximum wait of events for a destination that fails. They are read sooner if it is back, and
meanwhile they are not in front of those for other destinations."""
SENT_WITHIN: Final = timedelta(seconds=30)
"""Maximum delay of a due event once its destination accepts events again."""
_MAX_WAIT: Final = timedelta(days=1)
"""Delays and pauses are shorter."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Availability:
    """Whether a destination responds, in this process. It decides only when to try.

    After some failures in a row it is paused for all users. Then one event is tried: if it fails,
    the pause begins again; if it is accepted, all that wait are due.
    """

    failures: int = 0
    pause: timedelta = timedelta()
    paused_until: datetime | None = None
    is_failing: bool = False
    accepted_at: datetime | None = None
    has_postponed: bool = True
    """Whether events may be postponed: another process may have done that too."""

    def is_paused(self, now: datetime) -> bool:
        # Not if the clock was set back since.
        return self.paused_until is not None and now < self.paused_until <= now + self.pause

    @property
    def needs_trial(self) -> bool:
        """Whether one event is tried before all others: it was paused, and more is unknown."""
        return bool(self.pause)

    def gets_postponed(self, now: datetime) -> bool:
        """Return whether what was postponed is due: it works again, or that is tried."""
        return self.has_postponed and not self.is_paused(now)

    def record(self, now: datetime, *, is_accepted: bool) -> None:
        self.is_failing = not is_accepted
        if is_accepted:
            self.failures, self.pause, self.paused_until = 0, timedelta(), None
            self.accepted_at = now
            return
        self.failures += 1
        is_out = self.failures >= _FAILURES_BEFORE_PAUSE or self.needs_trial
        if is_out and not self.is_paused(now):
            self.failures, self.has_postponed = 0, True
            self.pause = min(max(self.pause * 2, _FIRST_PAUSE), _MAX_PAUSE)
            self.paused_until = now + self.pause


@dataclass(slots=True)
class _State:
    """What this process remembers from one call to the next."""

    held_until: datetime | None = None
    """The end of the lease that it acquired last."""
    availability: dict[str, _Availability] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SentEvents:
    """Attempts to send events to a destination.

    Attributes:
        reason: Why the last one failed.
        is_failing: Whether the last attempt failed, which may have been earlier.
    """

    accepted: int = 0
    failed: int = 0
    reason: str = ""
    is_failing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SendEvents:
    """Send the events of users to all destinations, at least once.

    - One of all instances sends, while it has the lease.
    - The events of a user come to a destination in their order: one that it does not accept is
      sent again before the next. Other users, and other destinations, do not wait for that.
    - A destination that fails several times is paused for everybody, up to `_MAX_PAUSE`. Then it
      gets one event. If it accepts that, it gets all that wait, `PARALLEL_USERS` at a time.
    - An event is sent before the identity records it as sent: after a kill it is sent again, and
      never lost.
    """

    identities: Identities
    leases: Leases
    destinations: Mapping[str, EventDestination]
    clock: Clock
    with_phone: bool = False
    state: _State = field(default_factory=_State)

    async def __call__(self) -> Mapping[str, SentEvents] | None:
        """Send for some seconds what is due; None if another instance sends."""
        now = self.clock.now()
        # The holder acquires the lease from the end of its own on, so it renews the lease, and
        # never twice for the same time.
        since = max(now, self.state.held_until or now)
        if not await self.leases.acquire(LEASE_NAME, since, now + LEASE_PERIOD):
            return None
        self.state.held_until = now + LEASE_PERIOD
        deadline = asyncio.get_running_loop().time() + SEND_SECONDS
        # Each at its own speed: one that does not respond delays no other.
        results = await asyncio.gather(
            *(self._send_until(deadline, name) for name in self.destinations),
            return_exceptions=True,
        )
        sent = {}
        for name, result in zip(self.destinations, results, strict=True):
            if isinstance(result, BaseException):
                raise result
            sent[name] = result
        return sent

    async def release(self) -> None:
        """Let another instance send at once, when this one stops."""
        now, held_until = self.clock.now(), self.state.held_until
        self.state.held_until = None
        if held_until is not None and now < held_until:
            await self.leases.acquire(LEASE_NAME, held_until, now)

    async def count_waiting_users(self, name: str, limit: int) -> int:
        until = self.clock.now() + _MAX_WAIT
        identities = await self.identities.list_with_due_events(until, limit)
        return sum(1 for loaded in identities if loaded.value.events.pending(name))

    async def measure_delay(self) -> timedelta:
        """Return how long the event that should have been sent first has waited."""
        now = self.clock.now()
        for loaded in await self.identities.list_with_due_events(now, 1):
            return now - (loaded.value.events.next_send_at or now)
        return timedelta()

    async def _send_until(self, deadline: float, name: str) -> SentEvents:
        loop, results = asyncio.get_running_loop(), list[SentEvents]()
        while loop.time() < deadline:
            sent = await self.send_due(name, deadline)
            if sent.accepted + sent.failed == 0:
                await asyncio.sleep(_POLL_SECONDS)
            results.append(sent)
        return self._add_up(name, results)

    async def send_due(self, name: str, deadline: float = float("inf")) -> SentEvents:
        """Send to a destination the events that are due now.

        Users who wait for a slower destination stay in front of the others: those are read too.
        No attempt begins after `deadline`, a time of the event loop.
        """
        now = self.clock.now()
        if all(self._of(known).is_paused(now) for known in self.destinations):
            return self._add_up(name, ())
        availability, loop = self._of(name), asyncio.get_running_loop()
        send, results, offset = partial(self._send_of, name, deadline), list[SentEvents](), 0
        has_found = False
        while loop.time() < deadline:
            pace, gets_postponed = Pace(), availability.gets_postponed(now)
            until = now + _MAX_WAIT if gets_postponed else now
            identities = await self.identities.list_with_due_events(until, BATCH_SIZE, offset)
            due = [
                loaded for loaded in identities if self._concerns(name, loaded.value.events, now)
            ]
            has_found |= bool(due)
            if due and availability.needs_trial and not availability.is_paused(self.clock.now()):
                results.append(await send(min(due, key=partial(_trial_order, name))))
                if availability.is_paused(self.clock.now()):
                    break
                continue
            results += await call_in_groups(send, due, PARALLEL_USERS)
            if len(identities) < BATCH_SIZE:
                # Others have moved meanwhile: it is certain when nothing was found from the start.
                if gets_postponed and not has_found:
                    availability.has_postponed = False
                break
            # Some users that got events stay where they were, and are read once more.
            offset += len(identities) - len(due)
            if not due:
                await pace.pause()
        return self._add_up(name, results)

    def _add_up(self, name: str, results: Sequence[SentEvents]) -> SentEvents:
        reasons = [result.reason for result in results if result.failed]
        return SentEvents(
            accepted=sum(result.accepted for result in results),
            failed=sum(result.failed for result in results),
            reason=reasons[-1] if reasons else "",
            is_failing=self._of(name).is_failing,
        )

    def _concerns(self, name: str, events: UserEvents, now: datetime) -> bool:
        """Return whether the destination gets events now, or none that is waited for does.

        Then the identity has waited for a destination that is gone, or for an attempt that another
        event has brought forward: it gets its next time.
        """
        if self._due(name, events, now):
            return True
        is_waiting = events.next_send_at is not None and events.next_send_at <= now
        return is_waiting and not any(events.due(known, now) for known in self.destinations)

    def _due(self, name: str, events: UserEvents, now: datetime) -> Sequence[UserEvent]:
        return events.due(name, now, has_recovered=self._of(name).gets_postponed(now))

    async def _send_of(self, name: str, deadline: float, loaded: Versioned[Identity]) -> SentEvents:
        loop = asyncio.get_running_loop()
        if loop.time() >= deadline:
            return SentEvents()
        identity, availability = loaded.value, self._of(name)
        progress = identity.events.progress_of(name)
        accepted, failed, reason = 0, 0, ""
        for event in self._due(name, identity.events, self.clock.now()):
            if loop.time() >= deadline:
                break
            if availability.is_paused(self.clock.now()):
                delay = availability.pause if progress.failures else _POSTPONEMENT
                progress = progress.postpone(self.clock.now() + delay)
                break
            reason = await self._attempt(name, identity, event)
            availability.record(self.clock.now(), is_accepted=not reason)
            if reason:
                newest_at = identity.events.unsent[-1].occurred_at
                progress = progress.mark_failed(
                    self.clock.now(), newest_at, availability.accepted_at, reason
                )
                failed = 1
                break
            progress, accepted = progress.mark_sent(event.number), accepted + 1

        def settle(current: Identity | None) -> tuple[Identity | None, None]:
            if current is None:
                return None, None
            has_newer = current.events.last_number > identity.events.last_number
            # What happened during the last attempt is sent too.
            is_retried = has_newer and progress.gave_up_at is not None
            latest = progress.retry(self.clock.now()) if is_retried else progress
            events = current.events.settle([latest], self.destinations)
            return replace(current, events=events), None

        await change(self.identities, identity.id, settle, loaded=loaded)
        return SentEvents(accepted, failed, reason)

    async def _attempt(self, name: str, identity: Identity, event: UserEvent) -> str:
        """Send an event, and return why that failed; an empty text if it was accepted."""
        # The number of a closed account may be somebody else's by now.
        phone = identity.phone if self.with_phone and not identity.is_closed else None
        sent = Event(
            id=event_id(identity.id, event.number),
            type=event.type,
            occurred_at=event.occurred_at,
            user_id=identity.id,
            phone=phone.e164 if phone else None,
        )
        try:
            send = partial(self.destinations[name].send, sent)
            await call_adapter("send_event", send, SEND_TIMEOUT)
        except EventRejected as error:
            return str(error) or "it was rejected"
        except TimeoutError:
            return "no response in time"
        # An operator's destination may raise anything, also of what it has cancelled itself.
        except BaseException as error:  # SystemExit would end the process
            if is_ended():
                raise
            if not self._of(name).is_failing:
                _log.error({"event": "event_destination_failed"}, exc_info=error)
            return f"failed with {type(error).__name__}"
        return ""

    def _of(self, name: str) -> _Availability:
        return self.state.availability.setdefault(name, _Availability())


def _trial_order(name: str, loaded: Versioned[Identity]) -> tuple[int, int]:
    """Return which user a paused destination gets first: some fail for a reason of their own.

    So it is not one whose events failed before, and not always the same.
    """
    events = loaded.value.events
    return events.progress_of(name).failures, -events.last_number


def event_id(identity_id: str, number: int) -> str:
    """Return the id of an event of a user."""
    return f"evt_{identity_id}_{number}"
